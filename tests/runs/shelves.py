"""The stored data, read with plain HTTP, and what must hold after every whole run."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import requests

from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import account_range, database_name
from include.sandbox.figures import Shelf, summed

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

Revisions = dict[str, str]
SECRET_KEYS = ("token", "code", "secret", "nonce", "password")


def shelf(world: LocalWorld) -> Shelf:
    """Return a reader of the stored documents that does not use the project's hook."""
    return Shelf(world.couch.url, world.couch.user, world.couch.password)


def loads(world: LocalWorld, account: str, pce: str) -> dict[str, float]:
    """Return kWh by period: days, months and years."""
    return dict(shelf(world).figures(account, pce))


def days(world: LocalWorld, account: str, pce: str) -> dict[str, float]:
    """Return kWh by stored gas day."""
    return {period: load for period, load in loads(world, account, pce).items() if len(period) == 10}


def revisions(world: LocalWorld, account: str) -> Revisions:
    """Return the revision of every document of an account, its own document included."""
    found: Revisions = {}
    start, end = account_range(account)
    for doctype in (DAY, MONTH, YEAR):
        answer = requests.get(
            f"{world.couch.url}/{database_name(doctype)}/_all_docs",
            params={"startkey": f'"{start}"', "endkey": f'"{end}"'},
            auth=(world.couch.user, world.couch.password),
            timeout=30,
        )
        if answer.ok:
            found |= {f"{doctype} {row['id']}": row["value"]["rev"] for row in answer.json()["rows"]}
    return found | {"account": (world.book.get(account) or {}).get("_rev", "")}


def data_revisions(world: LocalWorld, account: str) -> Revisions:
    """Return the revisions of an account's days and totals."""
    return {name: revision for name, revision in revisions(world, account).items() if name != "account"}


def assert_totals(world: LocalWorld, account: str, pce: str) -> None:
    """Assert that every month and year exists once, with the exact sum and the number of its stored days."""
    reader = shelf(world)
    stored = {document["_id"]: document for document in reader.documents(DAY, account, pce)}
    counted: dict[str, int] = defaultdict(int)
    by_day = {}
    for key, document in stored.items():
        day = key.rpartition(":")[2]
        assert (document["year"], document["month"], document["day"]) == tuple(map(int, day.split("-")))
        by_day[day] = document["load"]
        for period in (day[:7], day[:4]):
            counted[period] += 1
    totals = {
        document["_id"].rpartition(":")[2]: (document["load"], document["days"])
        for doctype in (MONTH, YEAR)
        for document in reader.documents(doctype, account, pce)
    }
    sums = summed(by_day)
    assert totals == {period: (sums[period], number) for period, number in counted.items()}


def assert_as_grdf(world: LocalWorld, account: str, pce: str, last: date, first: date | None = None) -> None:
    """Assert that exactly those requested days are stored that GRDF knows now, with their sums.

    :param last: last gas day requested
    :param first: first gas day requested; ``None`` for the whole allowed history
    """
    expected = world.control.expected(
        pce, first or oldest_allowed(world.control.today()), min(last + timedelta(days=1), world.control.today())
    )
    assert days(world, account, pce) == expected
    assert_totals(world, account, pce)


def secrets_in(part: Any, path: str = "") -> list[str]:
    """Return the keys of a document that may contain a secret."""
    if isinstance(part, dict):
        here = [f"{path}{key}" for key in part if any(word in key.lower() for word in SECRET_KEYS)]
        return here + [found for key, value in part.items() for found in secrets_in(value, f"{path}{key}.")]
    return [found for value in part for found in secrets_in(value, path)] if isinstance(part, list) else []
