"""The groups of accounts, and the figures about groups, in CouchDB."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from include.gas.city.figures import Figure, figure_document, figure_of
from include.gas.city.groups import Groups, groups_of, with_groups
from include.gas.documents.doctypes import CITY, GROUP
from include.gas.errors import StoreBusy

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook


class GroupStore:
    """Reads and changes them."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def all_groups(self) -> list[Groups]:
        """Return the groups of all accounts; unreadable documents are left out."""
        return [found for each in self._couchdb.scan(GROUP) if (found := groups_of(each))]

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

    def all_figures(self) -> dict[str, Figure]:
        """Return all that is published, by id."""
        return {each["_id"]: figure for each in self._couchdb.scan(CITY) if (figure := figure_of(each))}

    def publish(self, figures: Collection[Figure]) -> None:
        """Store new figures, some in place of others; ``StoreBusy`` if another run publishes them now."""
        stored = self._couchdb.fetch(CITY, {each.id for each in figures})
        if self._couchdb.write(CITY, [stored.get(each.id, {}) | figure_document(each) for each in figures]).conflicts:
            raise StoreBusy.about(None, "another run of grdf_city publishes figures now")
