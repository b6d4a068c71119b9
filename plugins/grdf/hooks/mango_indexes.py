"""The Mango indexes that are made with a database: those that Cozy's clients ask for, and one by account.

Cozy's clients sort by year, month and day, and name the index after its fields (``by_year_and_month_and_day``); they
make it themselves where a server lets them. A query of one account's documents is a hundred times faster with the other
one (docs/decisions.md). CouchDB makes an index of a partitioned database partitioned unless it is told otherwise, and
then finds none for a query without a partition. It needs an administrator's login.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grdf.hooks.couch_answers import json_object
from include.gas.documents.doctypes import database, index_name

if TYPE_CHECKING:
    from grdf.hooks.couch_server import CouchServer


def make_indexes(admin: CouchServer, doctype: str, *, fresh: bool = False) -> list[str]:
    """Make the indexes of a database that are missing, and return the names of these.

    :param admin: the hook of an administrator
    :param fresh: whether the database was just made. An older one may be partitioned, as ours were until November 2026
    :raises BadSettings: if the login may not make indexes
    """
    wanted = database(doctype).indexes
    partitioned = bool(wanted) and not fresh and _is_partitioned(admin, doctype)
    return [name for fields in wanted if (name := _make(admin, doctype, fields, partitioned=partitioned))]


def _is_partitioned(admin: CouchServer, doctype: str) -> bool:
    facts = json_object(admin.good(admin.request("GET", doctype, "")))
    return (facts.get("props") or {}).get("partitioned") is True


def _make(admin: CouchServer, doctype: str, fields: Sequence[str], *, partitioned: bool) -> str:
    """Make an index, and return its name; ``""`` if it exists.

    :param partitioned: whether the database is; the index is for all its partitions together
    """
    name = index_name(fields)
    order: dict[str, object] = {"index": {"fields": list(fields)}, "ddoc": name, "name": name, "type": "json"}
    if partitioned:
        order["partitioned"] = False
    answer = admin.request("POST", doctype, "/_index", body=order)
    if partitioned and answer.status_code == 400 and _remove(admin, doctype, name):
        # A client has made it for single partitions, which serves no query without one: ours serves all.
        answer = admin.request("POST", doctype, "/_index", body=order)
    made = json_object(admin.good(answer))
    return "" if made.get("result") == "exists" else name


def _remove(admin: CouchServer, doctype: str, name: str) -> bool:
    """Remove an index if it is a Mango index alone, and return whether it was removed."""
    path = f"/_design/{name}"
    found = admin.request("GET", doctype, path)
    design = json_object(found) if found.ok else {}
    if design.get("language") != "query" or len(design.get("views") or {}) != 1:
        return False
    return admin.request("DELETE", doctype, path, query={"rev": str(design["_rev"])}).ok
