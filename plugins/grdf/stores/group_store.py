"""The groups of accounts, and who was counted in which figure, in CouchDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from include.gas.city.figures import MemberList, Published
from include.gas.city.groups import Groups, groups_of, with_groups
from include.gas.documents.doctypes import GROUP
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

    def all_lists(self) -> dict[str, list[MemberList]]:
        """Return who was counted in all that was published, by the figure's id."""
        return {
            each["_id"].removeprefix(LISTS): msgspec.convert(each["lists"], list[MemberList])
            for each in self._couchdb.scan(GROUP, LISTS)
        }

    def add_lists(self, published: Iterable[Published]) -> None:
        """Keep who is counted in new figures, before these are published; ``StoreBusy`` on conflicting writes."""
        new = {LISTS + each.figure.id: each.lists for each in published}
        stored = self._couchdb.fetch(GROUP, new.keys())
        documents = []
        for key, lists in new.items():
            document = stored.get(key, {"_id": key, "lists": []})
            documents.append({**document, "lists": [*document["lists"], *msgspec.to_builtins(lists)]})
        if self._couchdb.write(GROUP, documents).conflicts:
            raise StoreBusy.about(None, "another run of grdf_city publishes figures now")
