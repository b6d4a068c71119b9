"""The index of accounts by what is searched for in them. ``./grdf couchdb setup`` creates it.

Its name says which version it is. Where that is missing, because the set-up was not run again after an update, CouchDB
searches all accounts each time: the index of another version may not know all that this one asks for. A Mango index
would not do: it cannot name the entries of a list, and an account may have several meters. Any program may have written
an account's document, so an odd one is left out and hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from grdf.hooks.couch_answers import docs_of, json_keys
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.removal import Remover
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.grant import RESULTS
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.section import members
from include.gas.answers.access_rights import WAITING
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadSettings

METERS, WAITS = "meters", "waiting"
_ENTRIES = f"""
  if (doc.account_type !== '{ACCOUNT_TYPE}') return;
  var isObject = function (value) {{ return value !== null && typeof value === 'object'; }};
  var results = isObject(doc.{RESULTS}) ? doc.{RESULTS} : {{}};
  var entries = Array.isArray(results.consents) ? results.consents.filter(isObject) : [];
"""
_METERS = f"""function (doc) {{{_ENTRIES}
  var seen = {{}};
  [results].concat(entries).forEach(function (each, at) {{
    var pce = at === 0 ? each.pce_id : each.pce;
    if (typeof pce === 'string' && !seen['$' + pce]) {{ seen['$' + pce] = true; emit(pce, null); }}
  }});
}}"""
_WAITING = f"""function (doc) {{{_ENTRIES}
  var waits = function (each) {{ return each.unusable === '{WAITING}'; }};
  var others = function (each) {{ return Array.isArray(each.others) ? each.others.filter(isObject) : []; }};
  if (doc.{Declaration.key} === undefined) return;
  if (entries.some(function (each) {{ return waits(each) || others(each).some(waits); }})) emit(null, null);
}}"""


_VIEWS = {METERS: {"map": _METERS}, WAITS: {"map": _WAITING}}
_BEGINS = "grdf-accounts-"
NAME = f"{_BEGINS}{blake2b(repr(_VIEWS).encode(), digest_size=8).hexdigest()}"
DESIGN: Mapping[str, Any] = {"_id": f"_design/{NAME}", "language": "javascript", "views": _VIEWS}


def make_index(admin: CouchDBHook) -> str:
    """Create the index, remove those of other versions, and return what is true of it in words.

    A process of another version that still runs searches all accounts from then on.
    """
    path = f"/{DESIGN['_id']}"
    answer = admin.request("GET", ACCOUNT, path)
    found: dict[str, Any] = {} if answer.status_code == 404 else dict(admin.good(answer).json())
    is_same = {key: found.get(key) for key in DESIGN} == DESIGN
    if not is_same:
        rev = {"_rev": found["_rev"]} if found else {}
        admin.good(admin.request("PUT", ACCOUNT, path, body={**DESIGN, **rev}))
    others = _remove_others(admin)
    if not is_same or others:
        Remover(admin).forget_indexes(ACCOUNT)
    what = "up to date" if is_same and not others else "renewed" if found or others else "new"
    return f"{what}, without the former {' and '.join(others)}" if others else what


def _remove_others(admin: CouchDBHook) -> list[str]:
    """Remove the indexes of other versions, and return their ids."""
    query = json_keys(startkey=f"_design/{_BEGINS}", endkey=f"_design/{_BEGINS}~", include_docs=True)
    rows = docs_of(admin.good(admin.request("GET", ACCOUNT, "/_all_docs", query=query)))
    others = {row["id"]: row["doc"]["_rev"] for row in rows if row["id"] != DESIGN["_id"]}
    for name, rev in others.items():
        admin.good(admin.request("DELETE", ACCOUNT, f"/{name}", query={"rev": rev}))
    return list(others)


class AccountIndex:
    """Finds accounts by the index, or by a search where there is none."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb
        self._missing = False

    def holding(self, pce: str) -> list[Document]:
        """Return the documents of accounts that name a meter, in any order."""
        named = [{f"{RESULTS}.pce_id": pce}, {f"{RESULTS}.consents": {"$elemMatch": {"pce": pce}}}]
        return self._found(METERS, pce, {"$or": named}, lambda document: _names(document, pce))

    def waiting(self) -> list[Document]:
        """Return the documents of accounts with a declaration and a right that waits for its holder, in any order."""
        waits = {"unusable": WAITING}
        either = [{f"{RESULTS}.consents": {"$elemMatch": each}} for each in (waits, {"others": {"$elemMatch": waits}})]
        return self._found(WAITS, None, {Declaration.key: {"$exists": True}, "$or": either}, _waits)

    def _found(
        self, view: str, key: str | None, selector: Mapping[str, Any], fits: Callable[[Document], bool]
    ) -> list[Document]:
        found = None if self._missing else self._couchdb.view(ACCOUNT, NAME, view, key)
        if found is not None:
            return [document for document in found if fits(document)]  # it may have changed since it was indexed
        self._missing = True
        try:
            return self._couchdb.find(ACCOUNT, {"account_type": ACCOUNT_TYPE, **selector})
        except BadSettings:  # the embedded server refuses the whole search if one document is odd
            return [document for document in self._couchdb.scan(ACCOUNT) if fits(document)]


def _entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if document.get("account_type") != ACCOUNT_TYPE:
        return []
    listed = members(document.get(RESULTS)).get("consents")
    return [members(each) for each in listed] if isinstance(listed, list) else []


def _names(document: Mapping[str, Any], pce: str) -> bool:
    ours = document.get("account_type") == ACCOUNT_TYPE
    single = members(document.get(RESULTS)).get("pce_id")
    return (ours and single == pce) or any(each.get("pce") == pce for each in _entries(document))


def _waits(document: Mapping[str, Any]) -> bool:
    def others(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        listed = entry.get("others")
        return [members(each) for each in listed] if isinstance(listed, list) else []

    rights = (right for entry in _entries(document) for right in (entry, *others(entry)))
    return Declaration.key in document and any(right.get("unusable") == WAITING for right in rights)
