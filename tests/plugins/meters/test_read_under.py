"""A household consents again between two steps. Notes belong to the consent under which GRDF was asked."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.operators.extract import ExtractOperator
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.account.account import Account
from include.gas.account.own_meters import with_meters
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.whole_history import history_read
from include.gas.consents.consent import Consent
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id
from include.gas.errors import ConsentLost
from tests.helpers import context, days_of, known_account, stored, with_memory_shelf, yesterday
from tests.history.steps import read, read_operator
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


def rewritten(home: Path, change: Any) -> None:
    (file,) = (path for path in home.rglob("*.json") if "staging" in path.parts)
    file.write_text(json.dumps([change(row) for row in json.loads(file.read_text())]))


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


def test_a_consent_that_was_widened_meanwhile_has_its_older_days_unread(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = clean.control.today()
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(today - timedelta(days=64)))
    staged = extract(account_id, yesterday(clean))
    longer = today - timedelta(days=500)
    right = held(clean, account_id).id_accreditation
    clean.control.change_consent(str(right), perim_donnees_conso_debut=str(longer))
    changed = document(clean, account_id)
    changed["oauth_callback_results"]["consents"][0]["first"] = str(longer)  # as grdf_consents would find it
    clean.book.save(changed)
    load(account_id, staged)
    asked(clean)
    load(account_id, extract(account_id, yesterday(clean)))
    ((_, first, end),) = asked(clean)
    assert first == str(longer)
    assert days_of(stored(couchdb, account_id, pce)) == clean.control.expected(pce, first, end)


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


def test_a_staged_answer_of_the_former_format_is_stored_and_settles_nothing(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path
) -> None:
    known_account(clean, account_id, history=False)
    staged = extract(account_id, yesterday(clean))
    former = ("pce", "first", "end", "read_at", "body", "history_from")
    rewritten(home, lambda row: {key: row[key] for key in former})
    assert load(account_id, staged)["new"] > 900
    assert not history_read(document(clean, account_id), held(clean, account_id)), "asked again, in the one call"
    load(account_id, extract(account_id, yesterday(clean)))
    assert history_read(document(clean, account_id), held(clean, account_id))


def test_a_reread_under_the_old_consent_says_nothing_of_the_new_one_s_days(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clean.control.today()
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(oldest_allowed(today)))
    load(account_id, extract(account_id, yesterday(clean)))
    before = document(clean, account_id)
    assert not known_gaps(before, pce)
    operator = read_operator(account_id)
    ask = operator.adict.daily_lines

    def meanwhile(*args: Any, **more: Any) -> Any:
        answer = ask(*args, **more)
        consent_anew(clean, account_id, pce, today - timedelta(days=300))
        return answer

    monkeypatch.setattr(operator.adict, "daily_lines", meanwhile)
    hole = today - timedelta(days=400)  # outside of the new consent
    clean.control.set_quirks(pce, lines={"missing": [str(hole)]})
    gone = couchdb.get(DAY, day_id(account_id, pce, hole)) or {}
    couchdb.write(DAY, [gone | {"_deleted": True}])
    read(account_id, hole, hole + timedelta(days=1), operator=operator, include_definitive=True)
    assert document(clean, account_id).get("gaps") == before.get("gaps")


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


def test_a_monthly_reading_under_the_old_consent_has_the_new_one_read_by_the_next(
    clean: LocalWorld, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    named = context() | {"params": {"accounts": [account_id]}}
    ask = task.adict.published_lines

    def meanwhile(*args: Any, **more: Any) -> Any:
        answer = ask(*args, **more)
        consent_anew(clean, account_id, pce, clean.control.today() - timedelta(days=400))
        return answer

    task.adict.published_lines = meanwhile
    task.execute(named)
    assert pce not in document(clean, account_id).get("published", {}), "due at once, and then read whole"
    with_memory_shelf(ReadPublishedOperator(task_id="read_published")).execute(named)
    after = document(clean, account_id)
    assert after["published"][pce]["id_accreditation"] == held(clean, account_id).id_accreditation
