"""A household is deleted while GRDF is asked for its right: no right stays that no account has."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadRequest, RetryLater
from tests.importing.meanwhile import UnderWay, audits, states, told, unlisted
from tests.importing.scene import names_person, outcomes, put, records, run
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")
BEFORE_PURGE = ("check", "mark", "revoke")


def test_the_answer_comes_when_the_account_is_gone(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        with patch.context() as late:
            unlisted(clean, late)
            delete(account, started=datetime.now(UTC))
        assert document(clean, account) == {}
        with caplog.at_level(logging.DEBUG):
            assert under_way.end() == {"refused": 1}
    assert outcomes() == [(account, "refused")]
    assert states(clean, home) == ["A valider"]
    stored = document(clean, account)
    assert "leaving" in stored
    assert stored["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert "Start grdf_delete_account for it again" in stored["state_message"]
    assert f"Account {account}: it was deleted while GRDF was asked" in caplog.text
    assert names_person(caplog.text) == []
    assert told(account, capfd, caplog)
    assert told(account, capfd, caplog), "every morning"
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert document(clean, account) == {}
    assert records(account) == []
    assert not told(account, capfd, caplog)


def test_the_answer_is_lost_and_the_list_shows_the_right_late(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    put([home])
    clean.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        run()
    with monkeypatch.context() as patch:
        unlisted(clean, patch)
        delete(account, started=datetime.now(UTC))
    assert document(clean, account) == {}
    assert states(clean, home) == ["A valider"]
    assert names_person(audits(account)) == [], "the record names nobody"
    assert told(account, capfd, caplog)
    assert "leaving" in document(clean, account)
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    check()
    assert not any("unanswered" in each for each in audits(account))
    assert run() == {"left": 1}
    assert document(clean, account) == {}


def test_the_answer_comes_between_the_revocation_and_the_removal(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    account, started = home["account"], datetime.now(UTC)
    with monkeypatch.context() as patch:
        under_way = UnderWay(patch, pool, home)
        with patch.context() as late:
            unlisted(clean, late)
            delete(account, steps=BEFORE_PURGE, started=started)
        under_way.end()
    with pytest.raises(BadRequest, match="GRDF took a right for it after its consents were revoked"):
        delete(account, approved_by=None, steps=("purge",), started=started)
    delete(account, run_id="run-2", started=datetime.now(UTC))
    assert states(clean, home) == ["Révoquée"]
    assert document(clean, account) == {}


def test_a_deletion_that_does_not_end_is_told_every_day(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = {"run": "r", "by": "b", "since": "2026-01-02T03:04:05+00:00"}
    clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon", "leaving": mark})
    capfd.readouterr()
    given = check()
    assert f"Account {account_id}: it is marked as leaving since 2026-01-02" in "".join(capfd.readouterr())
    assert given["leaving"] >= 1
    clean.book.remove(account_id)
