"""Whether CouchDB holds what the accounts say is stored: a database that was made anew is as empty as a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from include.gas.documents.doctypes import ACCOUNT, DAY, MONTH, YEAR, database

MOST_DAYS = {DAY: 1, MONTH: 31, YEAR: 366}
"""How many gas days one document of a doctype is about, at most."""
KEPT_PERCENT = 90
"""Which percentage of them must be there, since deletions go on while this is looked at. What else is missing is read
again within a month."""


def incomplete(held: Mapping[str, int | None], stored: Iterable[int]) -> Iterator[tuple[str, str]]:
    """Yield the doctypes whose database is missing or has lost documents, each with a clause that says so.

    :param held: how many documents each doctype's database holds; ``None`` if it is missing
    :param stored: how many gas days each account says are stored
    """
    told = list(stored)
    days = sum(told)
    if not told and (held.get(DAY) or 0) > len(database(DAY).indexes):  # which are documents, too
        yield ACCOUNT, "holds no account, and days of some are stored"
    for doctype, documents in held.items():
        if documents is None:
            yield doctype, "is missing"
        elif doctype in MOST_DAYS:
            least = days // MOST_DAYS[doctype]
            if documents * 100 < least * KEPT_PERCENT:
                yield doctype, f"holds {documents} documents, and the accounts' days make {least} at least"
