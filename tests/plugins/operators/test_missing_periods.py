"""All billing periods are read each month: what an answer or CouchDB has lost comes by itself, what is foreign goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import MONTH, PUBLISHED
from include.gas.documents.gas_days import account_range
from tests.helpers import known_account
from tests.plugins.published import asked_from, billing, end, month_later, periods
from tests.plugins.steps import read_published as read

TODAY = paris_today(datetime.now(UTC))

pytestmark = pytest.mark.usefixtures("home")


def half_yearly(own: Any, account_id: str) -> str:
    (pce,) = known_account(own, account_id, history=False)
    own.control.set_quirks(pce, frequency="6M")
    return pce


@pytest.mark.parametrize("place", [0, 3])
def test_one_that_couchdb_has_lost_comes_within_the_month(own: Any, account_id: str, place: int) -> None:
    half_yearly(own, account_id)
    read()
    before = periods(account_id)
    lost = before[place]
    CouchDBHook().write(PUBLISHED, [{"_id": lost["_id"], "_rev": lost["_rev"], "_deleted": True}])
    asked_from(own)
    month_later(own, account_id)
    assert read()["new"] == 1
    assert len(asked_from(own)) == 1
    assert [each["first"] for each in periods(account_id)] == [each["first"] for each in before]
    assert "refused" not in billing(own, account_id)


def test_what_was_read_after_the_end_of_the_right_goes_with_the_next_run(own: Any, account_id: str) -> None:
    pce = half_yearly(own, account_id)
    read()
    before = periods(account_id)
    day = TODAY - timedelta(days=400)
    end(account_id, pce, day)
    asked_from(own)
    assert read()["removed"] > 0
    assert asked_from(own) == [], "GRDF is not asked"
    left = periods(account_id)
    assert [each["_id"] for each in left] == [each["_id"] for each in before if each["end"] <= str(day)]
    months = CouchDBHook().range(MONTH, *account_range(account_id))
    assert sum(each["load"] for each in months) == sum(each["load"] for each in left)
    assert billing(own, account_id).keys() <= {"read_at", "until"}, "the contract may be the next household's"
    assert read() == {}, "and that is all"
    month_later(own, account_id)
    assert read() == {"meters": 1}, "looked at as often as the others"
    assert asked_from(own) == []


def test_what_grdf_serves_after_an_end_that_comes_to_light_meanwhile_is_not_stored(
    own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pce, ask = half_yearly(own, account_id), AdictHook.published_lines
    day = TODAY - timedelta(days=400)

    def meanwhile(self: Any, *arguments: Any, **more: Any) -> Any:
        end(account_id, pce, day)
        return ask(self, *arguments, **more)

    monkeypatch.setattr(AdictHook, "published_lines", meanwhile)
    read()
    assert periods(account_id)
    assert all(each["end"] <= str(day) for each in periods(account_id))
