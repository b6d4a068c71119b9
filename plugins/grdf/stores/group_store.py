"""The groups of accounts, and the figures about groups, in CouchDB."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from include.gas.city.figures import Figure, MemberList, Published, figure_document
from include.gas.city.groups import Groups, groups_of, with_groups
from include.gas.documents.doctypes import CITY, GROUP
from include.gas.errors import StoreBusy

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

LISTS = "~figure:"
"""Beginning of the ids of member lists. No account's id has a tilde."""


class GroupStore:
    """Reads and changes them."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def all_groups(self) -> list[Groups]:
        """Return the groups of all accounts; unreadable documents are left out."""
        return [found for each in self._couchdb.scan(GROUP, "", LISTS) if (found := groups_of(each))]

    def read_groups(self, account: str) -> Mapping[str, str]:
        """Return the groups of an account by dimension."""
        found = groups_of(self._couchdb.get(GROUP, Groups(account).id) or {})
        return found.groups if found else {}

    def assign_groups(self, groups: Mapping[str, Mapping[str, str]]) -> None:
        """Give accounts these groups instead of their former ones; ``StoreBusy`` on conflicting writes."""
        keys = {account: Groups(account).id for account in groups}
        stored = self._couchdb.fetch(GROUP, keys.values())
        new = [with_groups(stored.get(keys[account]), account, named) for account, named in groups.items()]
        if self._couchdb.write(GROUP, new).conflicts:
            raise StoreBusy.about(None, "others assign groups now")

    def all_published(self) -> tuple[dict[str, list[MemberList]], list[Figure]]:
        """Return all figures that are published or about to be, and who was counted in them by the figure's id."""
        lists, figures = dict[str, list[MemberList]](), list[Figure]()
        for each in self._couchdb.scan(GROUP, LISTS):
            lists[each["_id"].removeprefix(LISTS)] = msgspec.convert(each["lists"], list[MemberList])
            figures.append(msgspec.convert(each["figure"], Figure))
        return lists, figures

    def add_published(self, published: Collection[Published]) -> None:
        """Keep new figures and who is counted in them, before they are published; ``StoreBusy`` on conflicts."""
        new = {LISTS + each.figure.id: each for each in published}
        stored = self._couchdb.fetch(GROUP, new.keys())
        documents = []
        for key, each in new.items():
            document = stored.get(key, {"_id": key, "lists": []})
            lists = [*document["lists"], *msgspec.to_builtins(each.lists)]
            documents.append({**document, "figure": msgspec.to_builtins(each.figure), "lists": lists})
        if self._couchdb.write(GROUP, documents).conflicts:
            raise StoreBusy.about(None, "another run of grdf_city publishes figures now")

    def publish_figures(self, figures: Iterable[Figure]) -> None:
        """Let the city's database have these figures, also what it has lost of them."""
        stored = {each["_id"]: each for each in self._couchdb.scan(CITY)}
        documents = [stored.get(each.id, {}) | figure_document(each) for each in figures]
        self._couchdb.write(CITY, [each for each in documents if each != stored.get(each["_id"])])
