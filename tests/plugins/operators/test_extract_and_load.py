"""Extraction and load, executed directly: all that GRDF says is stored, none lost or doubled, and refusals."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.extract import ExtractOperator
from include.gas.documents.doctypes import ACCOUNT, DAY
from include.gas.documents.gas_days import day_of
from include.gas.errors import (
    BadAccount,
    ConsentLost,
    CredentialsRefused,
    FailNow,
    PartialAnswer,
    QuotaExceeded,
    ServiceUnavailable,
)
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    MemoryShelf,
    connect_cozy,
    context,
    days_of,
    give_back,
    known_account,
    lose,
    stored,
    with_memory_shelf,
    yesterday,
)
from tests.plugins.steps import REREAD, acquire, asked, document, extract, load, sums

pytestmark = pytest.mark.usefixtures("home")


# -- staging -----------------------------------------------------------------------------------------------------------


def test_staged_answers_are_private_and_gone_after_the_load(clean: LocalWorld, account_id: str, home: Path) -> None:
    known_account(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    (file,) = (path for path in home.rglob("*.json") if "staging" in path.parts)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Bearer" not in file.read_text()
    load(account_id, staged)
    assert not file.exists()
    again = load(account_id, staged)
    assert again.keys() == {"account", "changes"}, "the same run again: it has stored all that it had, and tells of it"
    with pytest.raises(FailNow, match=rf"{account_id}.*extract"):
        load(account_id, staged, run_id="another run")


def test_answers_in_an_object_store(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    known_account(clean, account_id)
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"memory://{account_id}/staging")
    staged = extract(account_id, yesterday(clean))
    assert staged["reference"].startswith(f"memory://{account_id}/staging/{account_id}/")
    assert load(account_id, staged)["new"] > 30
    assert not list(home.rglob("*.json"))


def test_another_account_s_staged_answers_are_not_loaded(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    other = f"x-{int(account_id.rpartition('-')[2]) + 50_000}"
    known_account(clean, other)
    staged = extract(other, yesterday(clean))
    with pytest.raises(FailNow, match=account_id):
        load(account_id, staged)
    assert stored(couchdb, account_id, pce) == {}


# -- what comes back ---------------------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    known_account(clean, account_id)
    day = yesterday(clean)
    load(account_id, extract(account_id, day))
    before = couchdb.range(DAY, f"{account_id}:", f"{account_id};")
    account = document(clean, account_id)
    counts = load(account_id, extract(account_id, day, run_id="second"))
    assert couchdb.range(DAY, f"{account_id}:", f"{account_id};") == before, "revisions and all"
    assert document(clean, account_id) == account
    assert counts["new"] == counts["corrected"] == 0
    newest = max(day_of(each) for each in before)
    reread = min(day, newest + timedelta(days=1)) - timedelta(days=REREAD)
    assert counts["unchanged"] == sum(day_of(each) >= reread for each in before) > 50


def test_a_corrected_day_corrects_its_totals(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    load(account_id, extract(account_id, yesterday(clean)))
    figures = stored(couchdb, account_id, pce)
    corrected = sorted(days_of(figures))[-5]
    clean.control.correct(pce, corrected, figures[corrected] + 7.5)
    assert load(account_id, extract(account_id, yesterday(clean)))["corrected"] == 1
    now = stored(couchdb, account_id, pce)
    assert now == sums(days_of(now))
    assert now[corrected] == figures[corrected] + 7.5


@pytest.mark.parametrize(
    "layout",
    [
        ["glued"],
        ["pretty"],
        ["nbsp", "bom", "blank_lines"],
        ["envelope"],
        ["array"],
        ["missing_bracket"],
        ["truncated"],
    ],
)
def test_odd_layouts_lose_no_day(clean: LocalWorld, couchdb: CouchDBHook, account_id: str, layout: list[str]) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.set_quirks(pce, layout=layout)
    load(account_id, extract(account_id, yesterday(clean)))
    ((_, first, end),) = asked(clean)
    assert days_of(stored(couchdb, account_id, pce)) == clean.control.expected(pce, first, end)


def test_a_partial_answer_is_asked_for_again_at_once(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    failed = day - timedelta(days=20)
    clean.control.set_quirks(pce, lines={"partial": {"from": str(failed), "times": 1}})
    staged = extract(account_id, day)
    first, second = asked(clean)
    assert first[0] == second[0] == pce
    assert second[1] == str(failed), "what came is not asked for again"
    assert second[2] == first[2]
    assert staged["problems"] == []
    load(account_id, staged)
    assert days_of(stored(couchdb, account_id, pce)) == clean.control.expected(pce, first[1], first[2])


def test_an_answer_that_stays_partial_is_tried_later_and_in_the_end_loaded_as_it_is(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    clean.control.set_quirks(pce, lines={"partial": {"from": str(day - timedelta(days=20)), "times": None}})
    with pytest.raises(PartialAnswer, match=account_id):
        extract(account_id, day)
    assert len(asked(clean)) == 3
    staged = extract(account_id, day, try_number=4, max_tries=3)
    assert len(staged["problems"]) >= 1
    with pytest.raises(FailNow, match=account_id):
        load(account_id, staged)
    figures = stored(couchdb, account_id, pce)
    assert figures
    assert max(days_of(figures)) < str(day - timedelta(days=20))
    assert figures == sums(days_of(figures))


def test_one_of_two_meters_is_refused(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    good, bad = known_account(clean, account_id, 2)
    lose(clean, bad)
    staged = extract(account_id, yesterday(clean))
    assert document(clean, account_id)["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert len(staged["problems"]) == 1
    assert meter_tag(account_id, bad) in staged["problems"][0]
    with pytest.raises(FailNow, match=meter_tag(account_id, bad)):
        load(account_id, staged)
    assert stored(couchdb, account_id, good)
    assert stored(couchdb, account_id, bad) == {}
    assert document(clean, account_id)["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED", "until the household acts"
    give_back(clean, bad)
    load(account_id, extract(account_id, yesterday(clean)))
    assert not document(clean, account_id).get("state")
    assert stored(couchdb, account_id, bad)


@pytest.mark.parametrize(
    ("refusal", "kind", "state"),
    [
        ("1000014", ConsentLost, "USER_ACTION_NEEDED.OAUTH_OUTDATED"),
        ("1000001", ConsentLost, "USER_ACTION_NEEDED.OAUTH_OUTDATED"),
        ("1000000", ConsentLost, "USER_ACTION_NEEDED.OAUTH_OUTDATED"),
        ("1000010", FailNow, "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"),
    ],
)
def test_a_refusal_names_account_cause_and_next_step_and_leaves_the_data(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, refusal: str, kind: type, state: str
) -> None:
    (pce,) = known_account(clean, account_id)
    load(account_id, extract(account_id, yesterday(clean)))
    before = stored(couchdb, account_id, pce)
    clean.control.set_quirks(pce, refusal=refusal)
    clean.control.fault("droits_acces", status=503, times=None)  # nothing contradicts it
    with pytest.raises(kind, match=rf"{account_id}.*{meter_tag(account_id, pce)}.*{refusal}.*household") as caught:
        extract(account_id, yesterday(clean))
    found = document(clean, account_id)
    assert (found["state"], found["state_message"]) == (state, str(caught.value))
    assert stored(couchdb, account_id, pce) == before


def test_a_consent_that_was_revoked(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    for right in clean.control.consents():
        if right["id_pce"] == pce:
            clean.control.revoke(right["id_droit_acces"])
    with pytest.raises(ConsentLost, match=account_id):
        extract(account_id, yesterday(clean))


@pytest.mark.parametrize(
    "body", ["", {"statut_restitution": {"code": "1000008", "message": "Il n'y a pas de données correspondant"}}]
)
def test_no_data_yet_is_fine(clean: LocalWorld, couchdb: CouchDBHook, account_id: str, body: object) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("donnees_consos", status=200, body=body)
    staged = extract(account_id, yesterday(clean))
    assert staged["problems"] == []
    load(account_id, staged)
    assert stored(couchdb, account_id, pce) == {}
    assert not document(clean, account_id).get("state")


def test_an_outage_is_no_household_s_fault_until_the_last_try(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    clean.control.fault("donnees_consos", status=503, times=None)
    before = document(clean, account_id)
    with pytest.raises(ServiceUnavailable, match=account_id):
        extract(account_id, yesterday(clean))
    assert document(clean, account_id) == before
    with pytest.raises(ServiceUnavailable):
        extract(account_id, yesterday(clean), try_number=4, max_tries=3)
    assert document(clean, account_id)["state"] == "VENDOR_DOWN"


def test_the_quota_keeps_what_grdf_said(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    clean.control.fault("donnees_consos", status=429, retry_after=77)
    with pytest.raises(QuotaExceeded) as caught:
        extract(account_id, yesterday(clean))
    assert caught.value.retry_after == 77


def test_refused_credentials_stop_at_the_first_meter(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id, 3)
    clean.control.fault("donnees_consos", status=401, times=None)
    before = document(clean, account_id)
    with pytest.raises(CredentialsRefused):
        extract(account_id, yesterday(clean))
    assert len(asked(clean)) == 2, "once more with a new token; the next meter would fail alike"
    assert document(clean, account_id) == before


def test_an_account_deleted_meanwhile_gets_no_documents(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    couchdb.put(ACCOUNT, document(clean, account_id) | {"_deleted": True})
    with pytest.raises(BadAccount, match=account_id):
        load(account_id, staged)
    assert stored(couchdb, account_id, pce) == {}


def test_nothing_secret_is_returned_logged_or_stored(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    connect_cozy(clean, account_id)
    given = document(clean, account_id)
    shelf = MemoryShelf()
    with caplog.at_level("DEBUG"):
        acquire(account_id)
        task = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account_id), shelf)
        staged = task.execute(context(yesterday(clean)))
        kept = "".join(path.read_text() for path in home.rglob("*.json"))
        returned = load(account_id, staged)
    everything = json.dumps([staged, returned, document(clean, account_id)]) + caplog.text + kept
    secrets = [
        given["oauth"]["access_token"],
        given["oauth_callback_results"]["id_token"],
        json.loads(shelf.text or "{}")["value"],
        clean.facts["client_secret"],
        clean.couch.password,
    ]
    for secret in secrets:
        assert secret not in everything
    assert "@example.org" not in everything
    assert os.environ["AIRFLOW_HOME"] == str(home)
