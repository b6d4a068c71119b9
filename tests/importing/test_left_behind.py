"""Rights of accounts that are gone, which GRDF's list shows late: whose they are, and how long they are looked for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.consents.declarations.left_behind import LeftBehind
from grdf.hooks.adict import AdictHook
from include.gas.answers.access_rights import Rights
from include.gas.days.gas_day import paris_today
from include.gas.errors import RetryLater
from tests.importing.meanwhile import audits, connect, delete_unseen, lost, sent_days_ago, states, told
from tests.importing.scene import adopt, names_person, put, run
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import bring, consents, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")


def own(world: LocalWorld, account: str) -> list[str]:
    return [str(each["id_accreditation"]) for each in consents(world, account)]


def _without(right: str) -> Any:
    """Return what asks for GRDF's list, which does not show a right yet."""
    ask = AdictHook.all_access_rights

    def asked(hook: AdictHook) -> Rights:
        listed = ask(hook)
        return Rights(tuple(each for each in listed.rights if each.id != right), listed.odd)

    return asked


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


def test_a_check_after_one_that_was_killed_changes_nothing(
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
    assert audits(account)[0]["unanswered"], "a backup may take the account away again"
    delete(account, run_id="run-2", started=datetime.now(UTC))
    check()
    assert not any("unanswered" in each for each in audits(account))


def test_an_account_that_came_back_and_is_taken_away_by_a_backup_comes_back_again(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The backup was made between the deletion and the morning on which GRDF's list showed the right."""
    account, right = home["account"], lost(clean, home, monkeypatch)
    clean.control.change_consent(right, etat_droit_acces="Active")
    check()
    assert "leaving" in document(clean, account)
    clean.book.remove(account)
    adopt()
    assert document(clean, f"right-{right}") == {}, "it is not read"
    assert told(account, capfd, caplog)
    assert "leaving" in document(clean, account)
    assert own(clean, account) == [right]
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert not told(account, capfd, caplog)
    assert not any("unanswered" in each for each in audits(account))


def test_a_right_that_is_over_by_itself_does_not_end_the_search(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The household was declared under a wrong account first, and refused that. The list shows the second one late."""
    account, typo = home["account"], home["account"] + "-typo"
    put([home | {"account": typo}], "typo.csv")
    run("typo.csv")
    (refused,) = own(clean, typo)
    clean.control.change_consent(refused, etat_droit_acces="Refusée")
    clean.book.remove(typo)
    put([home])
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        run()
    delete_unseen(clean, account, monkeypatch)
    right = next(
        each["id_droit_acces"]
        for each in clean.control.consents()
        if each["id_pce"] == home["pce"] and each["id_droit_acces"] != refused
    )
    clean.control.change_consent(right, etat_droit_acces="Refusée")  # so that the list shows none that stands
    check()
    assert audits(account)[0]["unanswered"]
    assert document(clean, account) == {}
    clean.control.change_consent(right, etat_droit_acces="Active")
    check()
    assert own(clean, account) == [right]
    assert document(clean, account)["leaving"], "so that a deletion can end it"


def test_a_right_of_an_earlier_deletion_says_nothing_of_a_later_one(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were declared on one day for one holder. The list shows the first as it was, and not the second yet."""
    account = home["account"]
    put([home])
    run()
    (first,) = own(clean, account)
    delete(account, started=datetime.now(UTC))
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    put([home], "again.csv")
    with pytest.raises(RetryLater):
        run("again.csv")
    (second,) = [
        each["id_droit_acces"]
        for each in clean.control.consents()
        if each["id_pce"] == home["pce"] and each["id_droit_acces"] != first
    ]
    delete_unseen(clean, account, monkeypatch, run_id="run-2")
    with monkeypatch.context() as patch:
        patch.setattr(AdictHook, "all_access_rights", _without(second))
        check()  # it shows that the first is revoked
        clean.control.change_consent(first, etat_droit_acces="Active", date_revocation=None)
        check()
    assert document(clean, account) == {}
    assert any("unanswered" in each for each in audits(account))
    clean.control.change_consent(first, etat_droit_acces="Révoquée")
    check()
    assert own(clean, account) == [second]


def test_an_account_that_goes_while_it_is_marked_stops_no_check(
    clean: LocalWorld, home: dict[str, str], account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its household has left, a backup was restored, and it is deleted again at this very moment."""
    from grdf.stores.accounts.account_store import AccountStore

    account = home["account"]
    stored = connect(clean, account, home["pce"])
    delete(account, started=datetime.now(UTC))
    clean.book.save({key: each for key, each in stored.items() if key != "_rev"})
    clean.control.revoke(bring(clean, account_id, "09999999900017"))
    update = AccountStore.update

    def gone(store: AccountStore, name: str, change: Any, **more: Any) -> Any:
        if name == account:
            clean.book.remove(account)
        return update(store, name, change, **more)

    monkeypatch.setattr(AccountStore, "update", gone)
    check()
    assert consents(clean, account_id)[0]["unusable"]
