"""GRDF falls silent for two weeks and comes back: account, mail and page name the same cause, and no household."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.promises.adapter import METERS, Town

HOMES = {"alder": METERS[0], "birch": METERS[1], "cedar": METERS[2]}
SILENT_AFTER = 5


def fresh(town: Town, account: str) -> dict[str, object]:
    return dict(town.account(account)["status"]["freshness"][HOMES[account]])


@pytest.mark.parametrize("answer", [b"{}", b""])
def test_two_weeks_of_silence_are_grdfs_and_nobody_elses(town: Town, answer: bytes) -> None:
    for account, pce in HOMES.items():
        town.connect(account, pce, back=40)
    town.mornings(15)
    newest = {account: fresh(town, account)["newest"] for account in HOMES}
    for account in HOMES:
        found = fresh(town, account)
        assert "late" not in found
        assert len(str(found["delays"])) in (14, 15), "the first run may have read the first morning's"
        assert town.wrong(account, HOMES[account], town.ago(15)) == []
    town.fault(lambda _: answer, "donnees_consos_informatives$", times=10_000)
    for _ in range(14):
        town.mornings()
        said = town.health().text
        age = (town.today - max(town.days("alder", HOMES["alder"]))).days
        for account in HOMES:
            late = fresh(town, account).get("late")
            assert (late or {}).get("cause") == ("grdf" if age > SILENT_AFTER else None), age
            assert fresh(town, account)["newest"] == newest[account]
            assert town.state(account) in ("", "VENDOR_DOWN"), "the household can do nothing about it"
        assert ("GRDF is late for everybody: 3 of 3" in said) is (age > SILENT_AFTER)
    assert age > 14
    town.calm()
    town.mornings(2)
    town.health()
    for account in HOMES:
        assert "late" not in fresh(town, account)
        assert town.wrong(account, HOMES[account], town.ago(20)) == []


@pytest.mark.parametrize(("reread_days", "situation"), [(5, "History with holes"), (62, "Days missing")])
def test_a_missing_day_is_called_old_once_the_runs_no_longer_ask_for_it(
    new_town: Callable[..., Town], reread_days: int, situation: str
) -> None:
    town = new_town(reread_days=reread_days)
    town.correct(METERS[0], town.ago(40), None)
    town.connect("alder", METERS[0], back=60)
    town.mornings(2)
    assert situation in town.page("/accounts/alder")
