"""The morning's check and a run's refusal: consents that are over, back, too narrow, or only said to be by mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.state import with_state
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.errors import FailNow, RefusalDoubted, RightLost, RightTooNarrow, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, known_account, stored, yesterday
from tests.leaving.household import Couch, rights
from tests.leaving.runs import acquire, check, extract, load
from tests.rights.scene import document

OUTDATED, PERMISSIONS = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"

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
    for fault in ({"status": 503}, {"status": 200, "body": "<html>Maintenance {</html>"}):
        clean.control.fault("/droits_acces", times=None, **fault)
        with pytest.raises(ServiceUnavailable):
            check()
        clean.control.set(faults=[])
    assert couch.revisions() == before


def test_what_the_list_says(clean: LocalWorld, account_id: str) -> None:
    today, ended = clean.control.today(), f"end-{60_000 + int(account_id.rpartition('-')[2])}"
    (narrow,) = settled(clean, account_id)
    clean.control.change_consent(*rights(clean, (narrow,)), perim_donnees_informatives="Faux")
    known_account(clean, ended, droit_debut=str(today - timedelta(9)), droit_fin=str(today - timedelta(1)))
    check()
    expected = {account_id: (PERMISSIONS, "daily data"), ended: (OUTDATED, f"no consent since {today}")}
    for account, (word, why) in expected.items():
        marked = document(clean, account)
        assert (marked["state"], bool(marked["state_since"])) == (word, True)
        assert [part for part in (account, why) if part not in marked["state_message"]] == []
        check()
        assert document(clean, account) == marked, "said once"


@pytest.mark.parametrize(("code", "said"), [("1000014", OUTDATED), ("1000010", PERMISSIONS)])
def test_a_refusal_that_nothing_contradicts(clean: LocalWorld, account_id: str, code: str, said: str) -> None:
    (pce,) = settled(clean, account_id)
    (right,) = rights(clean, (pce,))
    clean.control.set_quirks(pce, refusal=code)
    clean.control.change_consent(right, etat_droit_acces="Obsolète")
    before, day = datetime.now(UTC).replace(microsecond=0), yesterday(clean)
    with pytest.raises((RightLost, RightTooNarrow), match=account_id):
        extract(account_id, day, try_number=1)
    marked = document(clean, account_id)
    assert (marked["state"], account_id in marked["state_message"]) == (said, True)
    assert before <= datetime.fromisoformat(marked["state_since"]) <= datetime.now(UTC)
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match=said):
        acquire(account_id)
    assert (clean.control.log(), document(clean, account_id)) == ([], marked)
    clean.control.set_quirks(pce)
    clean.control.change_consent(right, etat_droit_acces="Active")
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


def test_a_refusal_that_the_list_contradicts_asks_nobody_to_act(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """GRDF's cache answers "no recent consent" for days: it is tried again soon, then daily."""
    (pce,), day = settled(clean, account_id), yesterday(clean)
    clean.control.set_quirks(pce, refusal="1000003")
    before = document(clean, account_id)
    for _ in range(2):
        acquire(account_id)
        clean.control.clear_log()
        for number in (1, 2):
            with pytest.raises(RefusalDoubted) as caught:
                extract(account_id, day, try_number=number)
            assert all(word in str(caught.value) for word in (account_id, meter_tag(account_id, pce)))
            assert "household must" not in str(caught.value)
            assert not state(clean, account_id).startswith("USER_ACTION")
            if number == 1 and before:
                assert document(clean, account_id) == before, "it may pass within the hour"
        before = {}
        assert calls(clean) == ["donnees_consos_informatives", "droits_acces"] * 2
        marked = document(clean, account_id)
        assert marked["state"] == "VENDOR_DOWN"
        check()
        assert document(clean, account_id) == marked, "what the list has is known"
        assert summarize_account(marked).situation(clean.control.today()) not in (Situation.CONNECT, Situation.PARTLY)
    clean.control.set_quirks(pce)
    load(account_id, extract(account_id, day), day)
    assert stored(couchdb, account_id, pce), "the days come afterwards"
    assert state(clean, account_id) == ""


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
