"""A meter without daily data has months and years all the same: GRDF's billing periods, shared out and marked so."""

from __future__ import annotations

from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.monthly_reading import WRITTEN_AT, take_back
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import known_account
from tests.plugins.steps import read_published as read

pytestmark = pytest.mark.usefixtures("home")


def stored(account: str, doctype: str) -> list[dict[str, Any]]:
    return CouchDBHook().range(doctype, *account_range(account))


def loads(account: str, doctype: str) -> int:
    return sum(each["load"] for each in stored(account, doctype))


@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_its_totals_are_those_of_its_periods(own: Any, account_id: str, frequency: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, frequency=frequency)
    read(account_id)
    assert loads(account_id, PUBLISHED) == loads(account_id, MONTH) == loads(account_id, YEAR) > 0
    months = stored(account_id, MONTH)
    assert {(each["source"], each["days"]) for each in months} == {("published", 0)}
    covered = sum(each["days"] for each in stored(account_id, PUBLISHED))
    assert sum(each["published_days"] for each in months) == covered
    before = [each["_rev"] for each in (*months, *stored(account_id, YEAR))]
    read(account_id)
    assert [each["_rev"] for each in (*stored(account_id, MONTH), *stored(account_id, YEAR))] == before


def test_periods_that_are_taken_back_take_their_totals_along(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, frequency="6M")
    read(account_id)
    new = [each | {"_deleted": True, WRITTEN_AT: each["read_at"]} for each in stored(account_id, PUBLISHED)]
    assert take_back(CouchDBHook(), {each["_id"]: each for each in new}, [pce]) > 0
    assert [stored(account_id, doctype) for doctype in (PUBLISHED, MONTH, YEAR)] == [[], [], []]


def test_a_meter_with_days_gets_no_totals_from_periods(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id)
    day = {"_id": f"{account_id}:{pce}:2026-01-05", "account": account_id, "pce": pce, "load": 5}
    CouchDBHook().write(DAY, [day | {"year": 2026, "month": 1, "day": 5}])
    read(account_id)
    assert stored(account_id, PUBLISHED)
    assert not any(each.get("source") for each in (*stored(account_id, MONTH), *stored(account_id, YEAR)))


def test_an_ordinary_meter_gets_none_before_its_days_are_read(own: Any, account_id: str) -> None:
    known_account(own, account_id)
    read(account_id)
    assert stored(account_id, PUBLISHED)
    assert [stored(account_id, doctype) for doctype in (MONTH, YEAR)] == [[], []]


@pytest.mark.parametrize("end", ["note", "2026-11", "2026-11-01-note", "9999-12-31"])
def test_what_others_put_between_the_days_is_no_day(own: Any, account_id: str, end: str) -> None:
    (pce,) = known_account(own, account_id)
    own.control.set_quirks(pce, frequency="6M")
    CouchDBHook().write(DAY, [{"_id": f"{account_id}:{pce}:{end}", "text": "seen"}])
    read(account_id)
    assert loads(account_id, MONTH) == loads(account_id, YEAR) == loads(account_id, PUBLISHED) > 0
