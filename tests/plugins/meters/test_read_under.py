"""A household consents again between two steps. Notes belong to the consent under which GRDF was asked."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.operators.extract import ExtractOperator
from include.gas.account.account import Account
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.whole_history import history_read
from include.gas.consents.consent import Consent
from include.gas.errors import ConsentLost
from tests.helpers import context, days_of, known_account, stored, with_memory_shelf, yesterday
from tests.plugins.steps import asked, document, extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home with a separate staging folder."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


def consent_anew(world: LocalWorld, account_id: str, pce: str, first: date) -> str:
    """Make the household connect again: a new right with another window, stored on the account as the page does."""
    (right,) = world.control.consent([pce], conso_debut=str(first))
    world.book.save(with_meters(document(world, account_id), [Consent(pce, right["id_droit_acces"])]))
    return str(right["id_droit_acces"])


def held(world: LocalWorld, account_id: str) -> Consent:
    (meter,) = Account.from_document(document(world, account_id)).meters
    return meter


def test_a_history_that_was_read_under_the_old_consent_leaves_that_of_the_new_one_unread(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = clean.control.today()
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(today - timedelta(days=64)))
    staged = extract(account_id, yesterday(clean))
    longer = today - timedelta(days=1000)
    consent_anew(clean, account_id, pce, longer)
    load(account_id, staged)
    assert len(days_of(stored(couchdb, account_id, pce))) > 50, "what came is stored all the same"
    assert not history_read(document(clean, account_id), held(clean, account_id))
    asked(clean)
    load(account_id, extract(account_id, yesterday(clean)))
    ((_, first, end),) = asked(clean)
    assert first == str(longer)
    assert days_of(stored(couchdb, account_id, pce)) == clean.control.expected(pce, first, end)
    assert history_read(document(clean, account_id), held(clean, account_id))


def test_an_answer_under_the_old_consent_says_nothing_of_days_that_the_new_one_adds(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """The new consent's history is read, and then the load of an earlier run is repeated."""
    today = clean.control.today()
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(today - timedelta(days=200)))
    hole = today - timedelta(days=150)
    clean.control.set_quirks(pce, lines={"missing": [str(hole)]})
    late = extract(account_id, yesterday(clean), run_id="late")
    consent_anew(clean, account_id, pce, today - timedelta(days=1000))
    load(account_id, extract(account_id, yesterday(clean), run_id="other"))
    before = document(clean, account_id)
    noted, gaps = before["history"], known_gaps(before, pce)
    load(account_id, late, run_id="late")
    after = document(clean, account_id)
    assert (after["history"], known_gaps(after, pce)) == (noted, gaps)


def test_a_refusal_of_the_old_consent_does_not_stop_a_household_that_has_just_given_a_new_one(
    clean: LocalWorld, account_id: str
) -> None:
    today = clean.control.today()
    (pce,) = known_account(clean, account_id)
    (right,) = [each for each in clean.control.consents() if each["id_pce"] == pce]
    clean.control.revoke(right["id_droit_acces"])
    task = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account_id))
    ask = task.adict.daily_lines

    def meanwhile(*args: Any, **more: Any) -> Any:
        answer = ask(*args, **more)
        consent_anew(clean, account_id, pce, today - timedelta(days=100))
        return answer

    task.adict.daily_lines = meanwhile
    with pytest.raises(ConsentLost):
        task.execute(context(yesterday(clean)))
    assert not document(clean, account_id).get("state")
    load(account_id, extract(account_id, yesterday(clean)))
