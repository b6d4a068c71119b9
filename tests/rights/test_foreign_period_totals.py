"""Another household's billing periods, which GRDF served for a while, leave no period behind, no month and no year."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.published_totals import write_period_totals
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import holder, yesterday
from tests.plugins.steps import read_published
from tests.rights.scene import bring, check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

DOCTYPES = (PUBLISHED, MONTH, YEAR)


@pytest.fixture(autouse=True)
def the_list_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")


def stored(account: str) -> list[list[dict[str, Any]]]:
    return [CouchDBHook().range(doctype, *account_range(account)) for doctype in DOCTYPES]


def read_after_the_next_household_came(world: LocalWorld, account: str, frequency: str) -> str:
    """Between two lists, the next household consents to a long past, and ``grdf_published`` reads it."""
    (pce,) = holder(account).pces
    right = bring(world, account, pce, days=500)
    world.control.set_quirks(pce, frequency=frequency)
    check()
    world.control.revoke(right)
    world.control.consent([pce], conso_debut=str(yesterday(world) - timedelta(days=700)), keep_others=True)
    read_published(account)
    assert all(stored(account))
    return pce


@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_they_go_with_their_totals(clean: LocalWorld, account_id: str, frequency: str) -> None:
    read_after_the_next_household_came(clean, account_id, frequency)
    check()
    assert stored(account_id) == [[], [], []]


def test_a_check_that_was_killed_after_the_periods_is_finished_by_the_next_one(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_after_the_next_household_came(clean, account_id, "6M")

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("grdf.meters.taking_back.write_period_totals", killed)
        with pytest.raises(Killed):
            check()
    periods, months, years = stored(account_id)
    assert (periods, bool(months), bool(years)) == ([], True, True)
    check()
    assert stored(account_id) == [[], [], []]


def test_totals_may_be_brought_up_to_date_at_any_time(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    write_period_totals(CouchDBHook(), account_id, pce)
    assert stored(account_id) == [[], [], []]
