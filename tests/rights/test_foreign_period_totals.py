"""Another household's billing periods, which GRDF served for a while, leave no period behind, no month and no year."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.monthly_reading import WRITTEN_AT, take_back
from grdf.meters.published_totals import write_period_totals
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.documents.storing import WriteResult
from include.gas.errors import StoreBusy
from tests.helpers import holder, yesterday
from tests.plugins.steps import read_published
from tests.rights.scene import bring, check, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

DOCTYPES = (PUBLISHED, MONTH, YEAR)

pytestmark = pytest.mark.usefixtures("the_list_counts")


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


def touched_by_others(monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Let another program write one of the periods just before we do, several times. Return the periods' ids."""
    usual, touched = CouchDBHook.write, list[str]()

    def write(self: CouchDBHook, doctype: str, docs: Collection[dict[str, Any]]) -> WriteResult:
        if doctype == PUBLISHED and len(touched) < times:
            (one,) = self.fetch(PUBLISHED, [next(iter(docs))["_id"]]).values()
            touched.append(one["_id"])
            assert usual(self, PUBLISHED, [{**one, "seen": len(touched)}]).written
        return usual(self, doctype, docs)

    monkeypatch.setattr(CouchDBHook, "write", write)
    return touched


def test_a_period_that_another_program_writes_meanwhile_goes_too(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_after_the_next_household_came(clean, account_id, "6M")
    touched = touched_by_others(monkeypatch, 3)
    check()
    assert len(touched) == 3
    assert stored(account_id) == [[], [], []]
    assert document(clean, account_id)["given_back"]


def test_nothing_is_noted_as_taken_back_while_a_period_is_left(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_after_the_next_household_came(clean, account_id, "6M")
    with monkeypatch.context() as patch:
        touched_by_others(patch, 99)
        with pytest.raises(StoreBusy, match="published periods"):
            check()
    assert stored(account_id)[0]
    assert "given_back" not in document(clean, account_id)
    check()
    assert stored(account_id) == [[], [], []]


def what_they_replace(account: str, former: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return what the stored periods have replaced, as a run remembers it that has read them."""
    return {each["_id"]: {**each, **former, WRITTEN_AT: each["read_at"]} for each in stored(account)[0]}


@pytest.mark.parametrize("new", [True, False])
def test_the_monthly_reading_takes_back_what_another_program_writes_meanwhile(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, *, new: bool
) -> None:
    pce = read_after_the_next_household_came(clean, account_id, "6M")
    former = what_they_replace(account_id, {"_deleted": True} if new else {"load": 1})
    with monkeypatch.context() as patch:
        touched_by_others(patch, 99)
        with pytest.raises(StoreBusy):
            take_back(CouchDBHook(), former, [pce])
    touched_by_others(monkeypatch, 2)
    assert take_back(CouchDBHook(), former, [pce]) > 0
    assert [each["load"] for each in stored(account_id)[0]] == ([] if new else [1] * len(former))


def test_a_period_that_was_read_again_meanwhile_stays(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The household has connected again, and another run has read its periods."""
    pce = read_after_the_next_household_came(clean, account_id, "6M")
    first, *_ = before = stored(account_id)[0]
    usual = CouchDBHook.write

    def write(self: CouchDBHook, doctype: str, docs: Collection[dict[str, Any]]) -> WriteResult:
        if doctype == PUBLISHED and "own" not in (one := self.get(PUBLISHED, first["_id"]) or {}):
            assert usual(self, PUBLISHED, [one | {"own": True, "read_at": "2026-01-01T00:00:00.000000Z"}]).written
        return usual(self, doctype, docs)

    monkeypatch.setattr(CouchDBHook, "write", write)
    assert take_back(CouchDBHook(), what_they_replace(account_id, {"_deleted": True}), [pce]) == len(before) - 1
    assert [each["own"] for each in stored(account_id)[0]] == [True]


def test_nor_is_one_that_was_read_again_before_they_are_taken_back(clean: LocalWorld, account_id: str) -> None:
    pce = read_after_the_next_household_came(clean, account_id, "6M")
    replaced = what_they_replace(account_id, {"load": 1})
    again = [each | {"read_at": "2026-01-01T00:00:00.000000Z"} for each in stored(account_id)[0]]
    CouchDBHook().write(PUBLISHED, again)
    assert take_back(CouchDBHook(), replaced, [pce]) == 0
    assert [each["load"] for each in stored(account_id)[0]] == [each["load"] for each in again]


def test_totals_may_be_brought_up_to_date_at_any_time(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    write_period_totals(CouchDBHook(), account_id, pce)
    assert stored(account_id) == [[], [], []]
