"""Rights of accounts that are gone, which GRDF's list shows late: whose they are, and how long they are looked for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.consents.left_behind import LeftBehind
from include.gas.days.gas_day import paris_today
from tests.importing.meanwhile import audits, connect, lost, sent_days_ago, states, told
from tests.importing.scene import names_person
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import bring, consents, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")


def test_a_household_that_has_returned_stops_no_check(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, account_id: str,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account, right = home["account"], lost(clean, home, monkeypatch)
    returned = connect(clean, account, home["pce"])["oauth_callback_results"]
    clean.control.revoke(bring(clean, account_id, "09999999900017"))
    assert told(account, capfd, caplog)
    assert f"Ask GRDF to revoke right {right}" in caplog.text
    assert names_person(caplog.text) == []
    assert consents(clean, account_id)[0]["unusable"], "the others are checked"
    kept = document(clean, account)
    assert [each["id_accreditation"] for each in kept["oauth_callback_results"]["consents"]] == [
        each["id_accreditation"] for each in returned["consents"]
    ]
    assert "leaving" not in kept
    assert told(account, capfd, caplog), "every morning"
    sent_days_ago(account, 61)
    assert not told(account, capfd, caplog)
    assert "unanswered" not in audits(account)[0]


def test_a_right_of_another_day_is_not_that_of_a_lost_declaration(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program of the city has declared it since, for the same holder."""
    account = home["account"]
    lost(clean, home, monkeypatch)
    sent_days_ago(account, 3)
    check()
    assert document(clean, account) == {}
    assert states(clean, home) == ["A valider"]
    sent_days_ago(account, 1)
    with caplog.at_level(logging.DEBUG):
        check()
    assert "leaving" in document(clean, account)
    today = paris_today(datetime.now(UTC))
    assert f"was made on {today}" in caplog.text
    assert f"declared on {today - timedelta(days=1)}" in caplog.text


def test_a_check_that_was_killed_brings_nothing_back_twice(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, right = home["account"], lost(clean, home, monkeypatch)

    settle = LeftBehind._settle

    def killed(left: LeftBehind, entry: Any, found: Any) -> None:
        if entry["account"] == account:  # other tests may have left others
            raise KeyboardInterrupt
        settle(left, entry, found)

    with monkeypatch.context() as patch:
        patch.setattr(LeftBehind, "_settle", killed)
        with pytest.raises(KeyboardInterrupt):
            check()
    back = document(clean, account)
    assert "leaving" in back
    delete(account, run_id="run-2", started=datetime.now(UTC))
    clean.control.change_consent(right, etat_droit_acces="Active", date_revocation=None)  # the list is late
    check()
    assert document(clean, account) == {}


def test_a_check_after_one_that_was_killed_settles_it(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = home["account"]
    lost(clean, home, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(LeftBehind, "_settle", lambda *_: None)
        check()
    back = document(clean, account)
    check()
    assert document(clean, account) == back
    assert "unanswered" not in audits(account)[0]


def test_an_account_that_goes_while_it_is_marked_stops_no_check(
    clean: LocalWorld, home: dict[str, str], account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its household has left, a backup was restored, and it is deleted again at this very moment."""
    from grdf.stores.account_store import AccountStore

    account = home["account"]
    stored = connect(clean, account, home["pce"])
    delete(account, started=datetime.now(UTC))
    clean.book.save({key: each for key, each in stored.items() if key != "_rev"})
    clean.control.revoke(bring(clean, account_id, "09999999900017"))
    update = AccountStore.update

    def gone(store: AccountStore, name: str, change: Any) -> Any:
        if name == account:
            clean.book.remove(account)
        return update(store, name, change)

    monkeypatch.setattr(AccountStore, "update", gone)
    check()
    assert consents(clean, account_id)[0]["unusable"]
