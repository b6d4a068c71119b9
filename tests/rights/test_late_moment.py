"""A right that is taken late counts from when GRDF made it: its holder has been waited for since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.sections.rights.declaration import names_person
from include.gas.answers.access_rights import moment_in
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.errors import RetryLater
from tests.helpers import MemoryShelf
from tests.leaving.runs import acquire, check
from tests.rights.declared import WAITS, calls, give, look, rights
from tests.rights.scene import consents, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

SENT = "declarations_sent"


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)  # outside a task there are no Variables
    yield
    clean.book.remove(account_id)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def lost(world: LocalWorld, account: str, sent: datetime) -> str:
    """GRDF takes a right, its answer is lost, and its list does not show it. Return the meter."""
    pce = give(world, account)
    world.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account, "scheduled")
    listed(world, pce, etat_droit_acces="Refusée")
    stored = document(world, account)
    world.book.save(stored | {SENT: [each | {"at": utc_text(sent)} for each in stored[SENT]]})
    return pce


def given_up(world: LocalWorld, account: str, sent: datetime) -> str:
    """Nobody waits for it any more. Return the meter."""
    pce = lost(world, account, sent)
    stored = document(world, account)
    entered = {"entered_at": ago(days=31).isoformat()}
    world.book.save(stored | {"declaration": stored["declaration"] | entered})
    check()
    assert not names_person(document(world, account))
    return pce


def listed(world: LocalWorld, pce: str, **fields: Any) -> None:
    for right in rights(world, pce):
        world.control.change_consent(right["id_droit_acces"], **fields)


def in_list(moment: datetime, *, day_only: bool = False) -> str:
    return f"{moment.astimezone(PARIS):{'%Y-%m-%d' if day_only else '%Y-%m-%d %H:%M:%S'}}"


def test_it_counts_from_its_creation(clean: LocalWorld, account_id: str) -> None:
    sent, made = ago(days=4), in_list(ago(days=4) + timedelta(minutes=2))
    pce = given_up(clean, account_id, sent)
    listed(clean, pce, etat_droit_acces="A valider", date_creation=made)
    check()
    stored = document(clean, account_id)
    (entry,) = consents(clean, account_id)
    assert entry["brought"] == stored["declaration"]["declared"] == moment_in(made)
    assert stored["state"] == WAITS
    assert "has not answered GRDF's e-mail of" in stored["state_message"], "it has been late for long"
    assert stored["declaration"]["waits"]


@pytest.mark.usefixtures("nobody_else_waits")
def test_it_is_looked_for_once_an_hour_and_still_opened(clean: LocalWorld, account_id: str) -> None:
    pce = given_up(clean, account_id, ago(days=4))
    listed(clean, pce, etat_droit_acces="A valider", date_creation=in_list(ago(days=4)))
    check()
    calls(clean)
    assert look() == []
    assert calls(clean) == [], "the first two hours are over"
    listed(clean, pce, etat_droit_acces="Active")
    assert look(minute=5) == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")
    assert acquire(account_id)["meters"] == 1


@pytest.mark.parametrize("state", ["A valider", "Active"])
def test_a_day_alone_is_not_earlier_than_what_was_sent(clean: LocalWorld, account_id: str, state: str) -> None:
    sent = ago(days=4)
    pce = given_up(clean, account_id, sent)
    listed(clean, pce, etat_droit_acces=state, date_creation=in_list(sent, day_only=True))
    check()
    assert [each["brought"] for each in consents(clean, account_id)] == [utc_text(sent)]


@pytest.mark.parametrize("made", [timedelta(hours=-2), timedelta(hours=3)])
def test_a_moment_that_cannot_be_is_put_right(clean: LocalWorld, account_id: str, made: timedelta) -> None:
    """GRDF's moments name no time zone, and clocks differ."""
    sent = ago(minutes=5)
    pce = given_up(clean, account_id, sent)
    listed(clean, pce, etat_droit_acces="Active", date_creation=in_list(ago() + made))
    check()
    (entry,) = consents(clean, account_id)
    assert utc_text(sent) <= entry["brought"] <= utc_text(ago())


def test_so_does_one_that_a_later_run_finds(clean: LocalWorld, account_id: str) -> None:
    sent = ago(days=3)
    made = in_list(sent + timedelta(seconds=2))
    pce = lost(clean, account_id, sent)
    listed(clean, pce, etat_droit_acces="Active", date_creation=made)
    acquire(account_id, "scheduled")
    assert [each["brought"] for each in consents(clean, account_id)] == [moment_in(made)]


def test_a_right_that_grdf_has_just_taken_counts_from_now(clean: LocalWorld, account_id: str) -> None:
    clean.control.set(declared_right_state="Active")
    give(clean, account_id)
    before = ago()
    acquire(account_id, "scheduled")
    (entry,) = consents(clean, account_id)
    assert utc_text(before) <= entry["brought"] <= utc_text(ago())
