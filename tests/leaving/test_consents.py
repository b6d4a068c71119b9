"""The morning's check and a run's refusal: whose consent is over, back, too narrow, or only said to be by mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from msgspec.structs import replace

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from include.gas.account.state import with_state
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.errors import (
    FailNow,
    RefusalDoubted,
    RightLost,
    RightTooNarrow,
    ServiceUnavailable,
)
from include.gas.meter_tag import meter_tag
from tests.helpers import connect_cozy, give_back, known_account, lose, stored, yesterday
from tests.leaving.household import Couch, rights
from tests.leaving.runs import acquire, check, extract, load
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED, PERMISSIONS = "USER_ACTION_NEEDED.OAUTH_OUTDATED", "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"

pytestmark = pytest.mark.usefixtures("couch", "shelf")


def settled(world: LocalWorld, account: str, meters: int = 1, **terms: Any) -> tuple[str, ...]:
    """Create an account in which the check has nothing to change."""
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


def test_revoked_on_grdfs_site_and_in_force_again(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = settled(clean, account_id)
    lose(clean, *pces)
    check()
    marked = document(clean, account_id)
    assert (marked["state"], bool(marked["state_since"])) == (OUTDATED, True)
    assert all(word in marked["state_message"] for word in (account_id, "no consent since", "must consent again"))
    assert account_id in "".join(capfd.readouterr())
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match="no consent since"):
        acquire(account_id)
    assert extract(account_id, yesterday(clean))["answers"] == 0  # it came after ``acquire_token``
    assert clean.control.log() == []
    check()
    assert document(clean, account_id) == marked, "said once"
    give_back(clean, *pces)
    check()
    assert state(clean, account_id) == ""


def test_what_else_the_list_says(clean: LocalWorld, account_id: str) -> None:
    today, number = clean.control.today(), int(account_id.rpartition("-")[2])
    ended, partly, by_date = (f"{name}-{60_000 + 3 * number + at}" for at, name in enumerate(("end", "part", "date")))
    (narrow,) = settled(clean, account_id)
    clean.control.change_consent(*rights(clean, (narrow,)), perim_donnees_informatives="Faux")
    known_account(clean, ended, droit_debut=str(today - timedelta(9)), droit_fin=str(today - timedelta(1)))
    lose(clean, known_account(clean, partly, 2)[0])
    check()
    assert state(clean, account_id) == PERMISSIONS
    assert "daily data" in document(clean, account_id)["state_message"]
    assert state(clean, ended) == OUTDATED
    assert str(today) in document(clean, ended)["state_message"]
    assert state(clean, partly) == "", "a meter that is over beside one in force is history"
    acquire(partly)

    (pce,) = settled(clean, by_date)  # also on a morning on which GRDF could not be asked about all rights
    over = {"calls_until": yesterday(clean)}
    Ledger(CouchDBHook()).apply(
        pce, lambda meter: replace(meter, rights=tuple(replace(each, **over) for each in meter.rights))
    )
    acquire(by_date)
    assert extract(by_date, yesterday(clean))["answers"] == 0
    assert state(clean, by_date) == OUTDATED


ODD: list[dict[str, Any]] = [
    {"oauth_callback_results": "odd"},
    {"oauth_callback_results": {"consents": "odd"}},
    {"oauth_callback_results": {"consents": ["odd"]}},
    {"oauth_callback_results": {"consents": [{"pce": ["odd"]}]}},
    {"oauth_callback_results": {"consents": 5}},
    {"oauth_callback_results": {"pce_id": {"odd": 1}}},
    {"oauth": ["odd"]},
]


def test_odd_accounts_keep_nobody_else_from_being_checked(clean: LocalWorld, account_id: str) -> None:
    pces = settled(clean, account_id)
    names = [f"{letter}-odd" for letter in "ABCDEFG"]  # they come first
    for name, part in zip(names, ODD, strict=True):
        clean.book.save({"_id": name, "account_type": "grdfgrandlyon", **part})
    before = [document(clean, name) for name in names]
    lose(clean, *pces)
    assert check()["odd"] == len(ODD)
    assert state(clean, account_id) == OUTDATED
    assert [document(clean, name) for name in names] == before


# -- a refusal of a run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "said"), [("1000014", OUTDATED), ("1000010", PERMISSIONS)])
def test_a_refusal_that_nothing_contradicts(clean: LocalWorld, account_id: str, code: str, said: str) -> None:
    """GRDF is left alone until something changes, but for a run started by hand."""
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


@pytest.mark.parametrize("contradicted", [False, True], ids=["lost", "doubted"])
def test_of_two_meters_the_other_is_read_on(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, contradicted: bool
) -> None:
    bad, good = settled(clean, account_id, 2)
    day = yesterday(clean)
    if contradicted:
        clean.control.set_quirks(bad, refusal="1000002")
    else:
        lose(clean, bad)
    clean.control.fault(f"/pce/{good}/", status=503)
    with pytest.raises((RightLost, ServiceUnavailable, RefusalDoubted)):
        extract(account_id, day, try_number=1)
    acquire(account_id)  # not skipped though the other meter has given nothing so far
    staged = extract(account_id, day, try_number=2)
    if contradicted:
        with pytest.raises(FailNow, match="not everything could be read"):
            load(account_id, staged, day)
        assert state(clean, account_id) == "VENDOR_DOWN", "nobody has to act"
    else:
        load(account_id, staged, day)
        assert state(clean, account_id) == "", "a meter that is over beside one in force is history"
    assert stored(couchdb, account_id, good)
    assert stored(couchdb, account_id, bad) == {}


@pytest.mark.parametrize("list_answers", [True, False])
def test_a_refusal_that_the_list_contradicts_asks_nobody_to_act(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, list_answers: bool
) -> None:
    """GRDF's cache answers "no recent consent" for days: it is tried again soon, then daily."""
    (pce,), day = settled(clean, account_id), yesterday(clean)
    clean.control.set_quirks(pce, refusal="1000003")
    before = document(clean, account_id)
    for _ in range(2):
        if not list_answers:
            clean.control.fault("droits_acces", status=503, times=None)
        acquire(account_id)
        clean.control.clear_log()
        for number in (1, 2):
            with pytest.raises(RefusalDoubted) as told:
                extract(account_id, day, try_number=number)
            assert all(word in str(told.value) for word in (account_id, meter_tag(account_id, pce)))
            assert "household must" not in str(told.value)
            assert not state(clean, account_id).startswith("USER_ACTION")
            if number == 1 and before:
                assert document(clean, account_id) == before, "it may pass within the hour"
        before = {}
        if list_answers:
            assert calls(clean) == ["donnees_consos_informatives", "droits_acces"] * 2
        marked = document(clean, account_id)
        assert marked["state"] == "VENDOR_DOWN"
        clean.control.set(faults=[])
        check()
        assert document(clean, account_id) == marked, "what the list says is known"
        assert summarize_account(marked).situation(clean.control.today()) not in (Situation.CONNECT, Situation.PARTLY)
    clean.control.set_quirks(pce)
    load(account_id, extract(account_id, day), day)
    assert stored(couchdb, account_id, pce), "the days come afterwards"
    assert state(clean, account_id) == ""


@pytest.mark.parametrize("other", [False, True], ids=["the list did not answer", "another household's is in force"])
def test_what_was_revoked_is_believed(clean: LocalWorld, account_id: str, other: bool) -> None:
    (pce,), day = settled(clean, account_id), yesterday(clean)
    lose(clean, pce)
    clean.control.set_quirks(pce, refusal="1000003")
    if other:
        clean.control.consent([pce], keep_others=True)
    else:
        clean.control.fault("droits_acces", status=503, times=None)
        with pytest.raises(RefusalDoubted):
            extract(account_id, day, try_number=1)
        clean.control.set(faults=[])
    with pytest.raises(RightLost):
        extract(account_id, day, try_number=2)
    assert state(clean, account_id) == OUTDATED, "the list has the last word"


def test_a_mark_that_the_list_contradicts_goes_by_itself(clean: LocalWorld, account_id: str) -> None:
    """It was set while the list was not available."""
    settled(clean, account_id)
    error = RightLost.about(account_id, "there is no right of access (GRDF: code 1000002)")
    since = datetime.now(UTC) - timedelta(days=90)
    clean.book.save(with_state(document(clean, account_id), OUTDATED, str(error), since=since))
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    check()
    acquire(account_id)
    assert extract(account_id, yesterday(clean))["answers"] == 1
