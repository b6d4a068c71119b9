"""A client that was taken from the settings too early: somebody hears of rights that GRDF may have taken late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT
from tests.clients.scene import LISTED, SOUTH, USUAL, account_of, right_of
from tests.leaving.household import Couch
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import give

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

SETTING = "AIRFLOW__GRDF__CONNECTIONS"
TOLD = f"the client of the Airflow connection {SOUTH}, which the setting [grdf] connections does not list"


def told_of(caplog: pytest.LogCaptureFixture, account: str) -> bool:
    """Return whether it was told of an account. There may be records of deletions of other tests' accounts, too."""
    return any(TOLD in message and f"Account {account}:" in message for message in caplog.messages)


@pytest.fixture
def deleted(two: LocalWorld, account_id: str) -> str:
    """An account of the second client that was deleted before GRDF's list showed its right. Its client had no other."""
    give(two, account_id)
    two.book.save({**(two.book.get(account_id) or {}), "grdf_connection": SOUTH})
    two.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(Exception, match="GRDF"):
        acquire(account_id)
    right = right_of(two, account_id)["id_droit_acces"]
    two.control.change_consent(right, raison_sociale_du_tiers="NOT-LISTED-YET")
    delete(account_id)
    account_of(two, "usual-545001", USUAL)
    return account_id


def record(world: LocalWorld, account: str) -> dict[str, Any]:
    (found,) = Couch(world).records(account)
    return found


def test_it_is_told_each_morning(
    two: LocalWorld, deleted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(SETTING, USUAL)
    for _ in range(2):
        caplog.clear()
        check()
        assert told_of(caplog, deleted)
    assert record(two, deleted)["unanswered"]


@pytest.mark.parametrize("listed", [LISTED, "grdf_adict; grdf_south"])
def test_it_is_not_told_of_a_client_that_is_listed_or_while_nobody_knows_which_are(
    two: LocalWorld, deleted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, listed: str
) -> None:
    monkeypatch.setenv(SETTING, listed)
    check()
    assert not told_of(caplog, deleted)
    assert record(two, deleted)["unanswered"]


def test_after_sixty_days_nobody_looks_any_more(
    two: LocalWorld, deleted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(SETTING, USUAL)
    couchdb, kept = CouchDBHook(), record(two, deleted)
    long_ago = utc_text(datetime.now(UTC) - timedelta(days=61))
    couchdb.put(AUDIT, kept | {"unanswered": [each | {"at": long_ago} for each in kept["unanswered"]]})
    check()
    assert not told_of(caplog, deleted)
    assert "unanswered" not in record(two, deleted)
