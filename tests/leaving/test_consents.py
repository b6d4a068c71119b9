"""The morning's check and a run's refusal: consents that are over, back, or only said to be over by mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.state import with_state
from include.gas.errors import FailNow, RefusalDoubted, RightLost, ServiceUnavailable
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, give_back, known_account, lose, stored, yesterday
from tests.leaving.household import Couch
from tests.leaving.runs import acquire, check, extract, load
from tests.rights.scene import document

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"

pytestmark = pytest.mark.usefixtures("couch", "shelf")


def settled(world: LocalWorld, account: str, meters: int = 1, **terms: Any) -> tuple[str, ...]:
    terms = {"conso_debut": str(yesterday(world) - timedelta(days=20))} | terms
    pces = known_account(world, account, meters, **terms)
    check()
    world.control.clear_log()
    return pces


def state(world: LocalWorld, account: str) -> str:
    return document(world, account).get("state") or ""


def calls(world: LocalWorld) -> list[str]:
    paths = [call["path"].rpartition("/")[2] for call in world.control.log()]
    return [path for path in paths if path != "access_token"]


def test_one_call_for_all_and_nothing_is_rewritten(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    number = account_id.rpartition("-")[2]
    connect_cozy(clean, f"new-{number}8")  # not connected yet: left alone
    for name in (account_id, f"second-{number}7"):
        settled(clean, name)
    before = couch.revisions()
    assert check()["checked"] == 3
    assert calls(clean) == ["droits_acces"]
    assert couch.revisions() == before


def test_a_run_by_hand_reads_what_no_scheduled_run_asks_for(clean: LocalWorld, account_id: str) -> None:
    (pce,) = settled(clean, account_id)
    lose(clean, pce)
    check()
    marked, day = document(clean, account_id), yesterday(clean)
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match=OUTDATED):
        acquire(account_id)
    assert (clean.control.log(), document(clean, account_id)) == ([], marked)
    give_back(clean, pce)
    acquire(account_id, "manual")
    load(account_id, extract(account_id, day, "manual"), day)
    assert not {"state_message", "state_since", "state_partial"} & document(clean, account_id).keys()
    assert state(clean, account_id) == ""


def test_of_two_meters_the_other_is_read_on(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    bad, good = settled(clean, account_id, 2)
    day = yesterday(clean)
    clean.control.set_quirks(bad, refusal="1000002")  # which GRDF's list contradicts
    clean.control.fault(f"/pce/{good}/", status=503)
    with pytest.raises((ServiceUnavailable, RefusalDoubted)):
        extract(account_id, day, try_number=1)
    acquire(account_id)  # not skipped though the other meter has given nothing so far
    staged = extract(account_id, day, try_number=2)
    with pytest.raises(FailNow, match="not everything could be read"):
        load(account_id, staged, day)
    assert state(clean, account_id) == "VENDOR_DOWN", "no person has to act"
    assert stored(couchdb, account_id, good)
    assert stored(couchdb, account_id, bad) == {}


def test_a_mark_that_the_list_contradicts_goes_by_itself(clean: LocalWorld, account_id: str) -> None:
    settled(clean, account_id)
    error = RightLost.about(account_id, "there is no right of access (GRDF: code 1000002)")
    since = datetime.now(UTC) - timedelta(days=90)
    clean.book.save(with_state(document(clean, account_id), OUTDATED, str(error), since=since))
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    check()
    acquire(account_id)
    assert extract(account_id, yesterday(clean))["answers"] == 1
