"""Extraction and load, executed directly: all that GRDF says is stored, none lost or doubled, and refusals."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import (
    BadAccount,
    CredentialsRefused,
    FailNow,
    PartialAnswer,
)
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    days_of,
    give_back,
    known_account,
    lose,
    stored,
    yesterday,
)
from tests.history.steps import look_again
from tests.plugins.steps import asked, document, extract, load, sums

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
    assert load(account_id, staged, try_number=2) == {"account": account_id}, "an earlier try has stored them"
    with pytest.raises(FailNow, match=rf"{account_id}.*extract"):
        load(account_id, staged)


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


def test_an_answer_that_stays_partial_is_tried_later_and_in_the_end_loaded_as_it_is(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    clean.control.set_quirks(pce, lines={"partial": {"from": str(day - timedelta(days=20)), "times": None}})
    with pytest.raises(PartialAnswer, match=account_id):
        extract(account_id, day)
    assert len(asked(clean)) == 1
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
    look_again(bad)
    load(account_id, extract(account_id, yesterday(clean)))
    assert not document(clean, account_id).get("state")
    assert stored(couchdb, account_id, bad)


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
