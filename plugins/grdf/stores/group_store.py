"""The groups of accounts, and the figures about groups, in CouchDB."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from grdf.hooks.couchdb import HIGHEST, CouchDBHook
from include.gas.city.figures import FIGURES, Figure, Uses, counted_uses, figure_document, figure_of
from include.gas.city.groups import Groups, groups_of, with_counted, with_groups
from include.gas.documents.day_documents import Document
from include.gas.documents.doctypes import CITY
from include.gas.errors import StoreBusy


class GroupStore:
    """Reads and changes them. What is published replaces only what was read before it was decided."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb
        self._revisions: dict[str, str] = {}

    def all_groups(self) -> list[Groups]:
        """Return the groups of all accounts; unreadable documents are left out."""
        return [found for each in self._scan(endkey=FIGURES) if (found := groups_of(each))]

    def read_groups(self, account: str) -> Mapping[str, str]:
        """Return the groups of an account by dimension."""
        found = groups_of(self._couchdb.get(CITY, Groups(account).id) or {})
        return found.groups if found else {}

    def assign_groups(self, groups: Mapping[str, Mapping[str, str]]) -> int:
        """Give accounts these groups, and return how many were in another one; ``StoreBusy`` on conflicting writes."""
        keys = {account: Groups(account).id for account in groups}
        stored = self._couchdb.fetch(CITY, keys.values())
        new = [with_groups(stored.get(keys[account]), account, named) for account, named in groups.items()]
        if self._couchdb.write(CITY, new).conflicts:
            raise StoreBusy.about(None, "others assign groups now")
        former = {each.account: each.groups.items() for each in map(groups_of, stored.values()) if each}
        left = (former.get(each["account"], {}.items()) - each["groups"].items() for each in new)
        return sum(map(bool, left))

    def all_figures(self) -> dict[str, Figure]:
        """Return all that is published, by id."""
        return {each["_id"]: figure for each in self._scan(FIGURES) if (figure := figure_of(each))}

    def publish(self, figures: Collection[Figure], households: Collection[Groups], uses: Uses) -> None:
        """Store new figures, some in place of others, and first what was counted of each household.

        Both were decided on what :meth:`all_groups` and :meth:`all_figures` have read.

        :raises StoreBusy: if others have assigned groups or published since then
        """
        counted = counted_uses(figures, uses)
        new = {each.id: counted[each.token] for each in households if counted.get(each.token, {}).keys() - each.counted}
        groups = self._couchdb.fetch(CITY, new)  # of a household that has left since then there is none any more
        for documents in (
            [with_counted(groups[key], loads) for key, loads in new.items() if key in groups],
            [figure_document(each) for each in figures],
        ):
            if self._couchdb.write(CITY, [each | self._revision_read(each["_id"]) for each in documents]).conflicts:
                raise StoreBusy.about(None, "others assign groups or publish figures now")

    def _scan(self, startkey: str = "", endkey: str = HIGHEST) -> Iterator[Document]:
        for document in self._couchdb.scan(CITY, startkey, endkey):
            self._revisions[document["_id"]] = document["_rev"]
            yield document

    def _revision_read(self, doc_id: str) -> Document:
        return {"_rev": self._revisions[doc_id]} if doc_id in self._revisions else {}
