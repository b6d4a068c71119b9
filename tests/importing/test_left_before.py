"""Which deletions an import respects: those since it began, whatever the clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.ways_in import import_accounts
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import RetryLater
from tests.importing.meanwhile import audits, states
from tests.importing.scene import household, put, run
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


class Behind(datetime):
    """A clock that is two years behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # as the caller uses it
        return datetime.now(tz) - timedelta(days=700)


class Ahead(datetime):
    """A clock that is two years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # as the caller uses it
        return datetime.now(tz) + timedelta(days=700)


def leaves(world: LocalWorld, account: str, run_id: str = "run-1") -> None:
    if not document(world, account):
        world.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, run_id=run_id, started=datetime.now(UTC))


def test_a_clock_that_was_behind_makes_nobody_leave(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The household had left before the import was started, and has come back."""
    leaves(clean, home["account"])
    put([home])
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    with monkeypatch.context() as patch:
        patch.setattr(import_accounts, "datetime", Behind)
        with pytest.raises(RetryLater):
            run()
    assert run() == {"declared": 1}


@pytest.mark.parametrize("clocks", [(datetime, Behind), (Ahead, datetime)])
def test_who_leaves_between_two_tries_has_left_by_any_clock(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, clocks: tuple[type, type]
) -> None:
    leaves(clean, home["account"])
    put([home])
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    first, second = clocks
    monkeypatch.setattr(import_accounts, "datetime", first)
    with pytest.raises(RetryLater):
        run()
    leaves(clean, home["account"], "run-2")
    monkeypatch.setattr(import_accounts, "datetime", second)
    assert run() == {"left": 1}
    assert document(clean, home["account"]) == {}


def test_a_corrected_file_names_a_household_that_had_left_before(clean: LocalWorld, home: dict[str, str]) -> None:
    leaves(clean, home["account"])
    first = household(270_000)
    put([first])
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run()
    put([first, home])
    assert run() == {"declared": 2}
    clean.book.remove(first["account"])


def test_who_was_leaving_when_the_import_began_has_left(clean: LocalWorld, home: dict[str, str]) -> None:
    account, started = home["account"], datetime.now(UTC)
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, steps=("check", "mark", "revoke"), started=started)
    other = household(270_001)
    put([home, other])
    clean.control.fault(f"/pce/{other['pce']}/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run(skip=True)
    delete(account, steps=("purge", "report"), approved_by=None, started=started)
    assert run(skip=True) == {"declared": 1, "left": 1}
    assert document(clean, account) == {}
    assert states(clean, home) == []
    put([home])
    assert run() == {"declared": 1}, "a new import, because the household has come back"
    clean.book.remove(other["account"])


def test_a_deletion_that_keeps_the_data_hinders_no_import(clean: LocalWorld, home: dict[str, str]) -> None:
    """It has revoked the former consent, and the household gives a new one."""
    account = home["account"]
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, form={"keep_data": True}, started=datetime.now(UTC))
    put([home])
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run()
    assert run() == {"declared": 1}


def test_an_import_lets_a_household_come_back_whose_account_was_restored(
    clean: LocalWorld, home: dict[str, str]
) -> None:
    """It had been imported before. Unlike its restored account, a new file says that it wants to be declared."""
    put([home], "first.csv")
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run("first.csv")
    restored = document(clean, home["account"])
    leaves(clean, home["account"])
    assert run("first.csv") == {"left": 1}
    clean.book.save({key: each for key, each in restored.items() if key != "_rev"})
    put([home])
    assert run() == {"declared": 1}


def test_a_deletion_that_died_long_ago_keeps_nobody_out(clean: LocalWorld, home: dict[str, str]) -> None:
    """It had removed the account, and nothing says that it ended."""
    account = home["account"]
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, steps=("check", "mark", "revoke", "purge"), started=datetime.now(UTC))
    (entry,) = audits(account)
    for days, outcome in ((29, "left"), (31, "declared")):
        asked_at = utc_text(datetime.now(UTC) - timedelta(days=days))
        CouchDBHook().put(AUDIT, entry | {"asked_at": asked_at, "_rev": audits(account)[0]["_rev"]})
        put([home], f"after-{days}.csv")
        assert run(f"after-{days}.csv") == {outcome: 1}
