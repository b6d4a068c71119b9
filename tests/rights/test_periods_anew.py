"""What becomes of a meter's periods and totals when GRDF moves a period's start, or the meter is exchanged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.billing.periods import readable_periods
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id
from include.gas.documents.storing import load_answer
from tests.helpers import holder
from tests.plugins.published import periods
from tests.plugins.steps import read_published
from tests.rights.billed import THIS, line, totals
from tests.rights.scene import bring, check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

Published = tuple[str, str, int]
OLD, NEW = (f"{THIS}-01-02", f"{THIS}-07-01", 6000), (f"{THIS}-01-20", f"{THIS}-07-01", 4000)
NEXT = (f"{THIS}-07-01", f"{THIS}-10-10", 900)
JULY_TO_SEPTEMBER = {f"{THIS}-07", f"{THIS}-08", f"{THIS}-09"}


@pytest.fixture
def pce(clean: LocalWorld, account_id: str) -> str:
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, conso_debut=f"{THIS}-01-01")
    check()
    return pce


def publish(world: LocalWorld, account: str, *published: Published, frequency: str = "6M", more: str = "") -> None:
    (pce,) = holder(account).pces
    world.control.set_quirks(pce, frequency=frequency)
    body = "\n".join([*(line(pce, *each) for each in published), more])
    world.control.fault(f"/pce/{pce}/donnees_consos_publiees", times=None, status=200, body=body)
    read_published(account)
    world.control.set(faults=[])


def firsts(account: str) -> list[str]:
    """The first days of the periods that count."""
    return [each.first.isoformat() for each in readable_periods(periods(account))]


def store_days(account: str, pce: str, *days: date) -> None:
    load_answer(CouchDBHook(), account, pce, [Reading(day, 30) for day in days], datetime.now(UTC))


@pytest.mark.usefixtures("pce")
def test_a_first_period_is_published_anew_with_a_later_start(clean: LocalWorld, account_id: str) -> None:
    publish(clean, account_id, OLD, NEXT)
    assert totals(account_id)[f"{THIS}"] == 6900
    publish(clean, account_id, NEW, NEXT, more='{"pce": {"id_')
    assert (firsts(account_id), totals(account_id)[f"{THIS}"]) == ([OLD[0], NEW[0], NEXT[0]], 6900), "cut short"
    publish(clean, account_id, NEW, NEXT)
    assert (firsts(account_id), totals(account_id)[f"{THIS}"]) == ([NEW[0], NEXT[0]], 4900)


def test_the_last_period_of_a_meter_that_was_exchanged_gives_its_months(
    clean: LocalWorld, account_id: str, pce: str
) -> None:
    publish(clean, account_id, OLD)
    store_days(account_id, pce, *(date(THIS, 10, n) for n in range(10, 32)))
    publish(clean, account_id, OLD, NEXT, (f"{THIS}-11-01", f"{THIS}-12-01", 700), frequency="1M")
    found = totals(account_id)
    assert sum(found[month] for month in JULY_TO_SEPTEMBER) == 900 * 92 // 101
    assert (found[f"{THIS}-10"], found[f"{THIS}"]) == (22 * 30, 22 * 30), "what has days is the sum of its days alone"
    assert f"{THIS}-11" not in found, "its days may still come"


def test_months_without_a_day_of_a_meter_that_lost_its_daily_data(clean: LocalWorld, account_id: str, pce: str) -> None:
    store_days(account_id, pce, date(THIS, 2, 3))
    publish(clean, account_id, OLD, NEXT)
    found = totals(account_id)
    assert (found[f"{THIS}-02"], found[f"{THIS}"]) == (30, 30)
    assert JULY_TO_SEPTEMBER | {f"{THIS}-01"} <= set(found)


@pytest.mark.parametrize("damage", [{"load": None}, {"month": 13}])
def test_a_damaged_day_keeps_no_meter_from_its_totals(
    clean: LocalWorld, account_id: str, pce: str, damage: dict[str, Any]
) -> None:
    day = {"_id": day_id(account_id, pce, date(THIS, 3, 5)), "account": account_id, "pce": pce, "load": 5}
    CouchDBHook().write(DAY, [day | {"year": THIS, "month": 3, "day": 5} | damage])
    publish(clean, account_id, OLD, NEXT)
    assert totals(account_id)[f"{THIS}"] == 6900
