"""A meter without daily data has months and years all the same: GRDF's billing periods, shared out and marked so."""

from __future__ import annotations

from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
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
