"""Documents that name an account under ids of their own: the konnector's, and those of programs that read the data.

Our ids begin with the account's, so a range of ids finds them. These others may be anywhere between the ranges of the
accounts. No index holds all of them, and one more would cost every write of a day. So what is between the ranges is
read: one request per account and database, mostly of nothing. A deletion may cost that, twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from grdf.hooks.couchdb import HIGHEST, CouchDBHook
from include.gas.account.sections.section import members
from include.gas.documents.doctypes import ACCOUNT, FOR_READERS
from include.gas.documents.gas_days import ACCOUNT_ID, account_range

Range = tuple[str, str]


def find_strays(couchdb: CouchDBHook, account: str) -> dict[str, dict[str, str]]:
    """Return the revisions of these documents by id, for each doctype that others may write.

    :param account: id of the account that they name
    """
    ids = {account, *(str(document["_id"]) for document in couchdb.scan(ACCOUNT))}
    ranges = sorted(account_range(each) for each in ids if ACCOUNT_ID.fullmatch(each))
    return {doctype: dict(_strays(couchdb, doctype, account, ranges)) for doctype in FOR_READERS}


def _strays(couchdb: CouchDBHook, doctype: str, account: str, ranges: Sequence[Range]) -> Iterator[tuple[str, str]]:
    """Yield id and revision of each document between the ranges that names the account."""
    for (_, after), (before, _) in pairwise([("", ""), *ranges, (HIGHEST, HIGHEST)]):
        for document in couchdb.scan(doctype, after, before):
            if _names(document, account):
                yield str(document["_id"]), str(document["_rev"])


def _names(document: Mapping[str, Any], account: str) -> bool:
    """Whether a document is about an account. What it says itself comes before what cozy-stack says of it."""
    named = document.get("account") or members(document.get("cozyMetadata")).get("sourceAccount")
    return bool(named == account)
