"""Days that GRDF has served under somebody else's right are not read, or are taken back once this is known."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters import taking_back
from grdf.operators import check_consents
from include.gas.account.account import Account
from include.gas.account.own_meters import with_meters, without_old_token
from include.gas.answers.access_rights import AccessRight
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.display.overview import Situation, overview
from include.gas.documents.doctypes import DAY
from include.gas.errors import FailNow, ServiceUnavailable, StoreBusy
from tests.helpers import connect_cozy, days_of, holder, stored, yesterday
from tests.leaving.runs import extract, load
from tests.rights.scene import OUTDATED, bring, check, consents, document, hands_over, listed_then, other_of, run

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def list_of(world: LocalWorld, *, garbled: str = "", without: str = "") -> str:
    """Return the list of all rights with one line garbled or missing. Odd rights of other tests are left out."""
    rights = [right for right in world.control.consents() if AccessRight.from_line(right)]
    lines = [(right["id_droit_acces"], json.dumps(right)) for right in rights]
    return "\n".join(text[: len(text) // 2] if own == garbled else text for own, text in lines if own != without)


def test_what_a_run_between_two_lists_has_read_is_taken_back(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, capfd: pytest.CaptureFixture[str]
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    before = stored(couchdb, account_id, pce)
    new = hands_over(clean, account_id, right)
    for back in (4, 5):  # GRDF has more days of the new tenant; it may not have published the latest three yet
        clean.control.correct(pce, yesterday(clean) - timedelta(days=back), 888)
    run(clean, account_id)
    assert {777, 888} <= set(stored(couchdb, account_id, pce).values()), "no list has shown it yet"
    check()
    after = stored(couchdb, account_id, pce)
    corrected = {str(yesterday(clean) - timedelta(days=back)) for back in (3, 4, 5)}
    assert days_of(after) == {day: load for day, load in days_of(before).items() if day not in corrected}
    months = {key: load for key, load in after.items() if len(key) == len("2026-10")}
    for key, total in months.items():
        assert total == sum(load for day, load in days_of(after).items() if day.startswith(key))
    assert "They are removed" in "".join(capfd.readouterr())
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert told["lost_days"] == {pce: {"read_again": True}}, "none of them is lost"
    assert sum(year["days"] for year in told["stored"][pce].values()) == len(days_of(after))
    assert set(told["announced"]["days"]) == corrected, "other DAGs are told"
    assert consents(clean, account_id)[0]["id_accreditation"] != new
    check()
    assert document(clean, account_id) == told, "once"
    clean.control.change_consent(right, etat_droit_acces="Active", date_revocation=None)
    check()
    run(clean, account_id)
    assert len(days_of(stored(couchdb, account_id, pce))) == len(days_of(before)), "read again if it was its own"


def test_who_comes_back_has_no_history_with_holes(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    """A household that has moved back consents to the days from then on. Nobody asks for the next one's again."""
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    hands_over(clean, account_id, right)
    run(clean, account_id)
    check()
    told, since = document(clean, account_id), str(yesterday(clean) - timedelta(days=1))
    (new,) = clean.control.consent([pce], conso_debut=since)
    clean.book.save(with_meters(told, [Consent(pce, str(new["id_droit_acces"]))], datetime.now(UTC)))
    check()
    run(clean, account_id)
    told = document(clean, account_id)
    assert "lost_days" not in told
    assert overview(told).situation(clean.control.today()) is not Situation.HOLES


@pytest.mark.parametrize("killed_in", ["take_back", "write_period_totals", "note_stored"])
def test_a_try_that_ends_on_the_way_loses_no_day(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    """The next one does not find the days that the first one has removed."""
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    check()
    before = stored(couchdb, account_id, pce)
    hands_over(clean, account_id, right)
    run(clean, account_id)
    usual, calls = getattr(taking_back, killed_in), list[int]()

    def killed(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if killed_in != "note_stored" or len(calls) > 1:
            if killed_in == "take_back":
                usual(*args, **kwargs)
            raise KeyboardInterrupt
        return usual(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(taking_back, killed_in, killed)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert 777 not in days_of(stored(couchdb, account_id, pce)).values()
    check()
    told = document(clean, account_id)
    assert told["lost_days"] == {pce: {"read_again": True}}, "none of them is lost"
    after = stored(couchdb, account_id, pce)
    assert sum(year["days"] for year in told["stored"][pce].values()) == len(days_of(after))
    assert days_of(after).items() <= days_of(before).items()
    for key, total in after.items():
        if len(key) < len("2026-10-01"):
            assert total == sum(load for day, load in days_of(after).items() if day.startswith(key))


def test_a_year_of_which_a_killed_try_has_removed_all_days_keeps_no_total(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce, days=20)
    check()
    hands_over(clean, account_id, right)
    run(clean, account_id)
    usual = CouchDBHook.write

    def write(self: CouchDBHook, doctype: str, docs: Any) -> Any:
        written = usual(self, doctype, docs)
        if doctype == DAY:
            raise KeyboardInterrupt
        return written

    with monkeypatch.context() as patch:
        patch.setattr(CouchDBHook, "write", write)
        with pytest.raises(KeyboardInterrupt):
            check()
    check()
    days = days_of(stored(couchdb, account_id, pce))
    assert set(stored(couchdb, account_id, pce)) - set(days) == {day[:n] for day in days for n in (4, 7)}


def test_an_account_that_others_keep_changing_does_not_stop_the_check_of_the_others(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: dict[str, str] = {}
    for name in (account_id, other_of(account_id)):
        own[name] = bring(clean, name, holder(name).pces[0])
    check()
    for name in own:
        run(clean, name)
    check()
    for name, right in own.items():
        hands_over(clean, name, right)
        run(clean, name)
    usual = check_consents.take_back_foreign

    def busy(couch: CouchDBHook, accounts: Any, name: str, *args: Any) -> None:
        if name == min(own):
            raise StoreBusy.about(name, "its days kept being changed by others")
        usual(couch, accounts, name, *args)

    def foreign(name: str) -> bool:
        return 777 in stored(couchdb, name, holder(name).pces[0]).values()

    with monkeypatch.context() as patch:
        patch.setattr(check_consents, "take_back_foreign", busy)
        for _ in range(2):
            with pytest.raises(StoreBusy):
                check()
    assert [foreign(name) for name in sorted(own)] == [True, False]
    assert "consents_seen" in document(clean, min(own))
    check()
    assert not any(map(foreign, own)), "from the same moment on"
    assert "consents_seen" not in document(clean, min(own))


def test_what_a_load_stores_while_the_check_looks_is_taken_back(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    run(clean, account_id)
    check()
    hands_over(clean, account_id, right)
    staged = extract(account_id, yesterday(clean))
    before = days_of(stored(couchdb, account_id, pce))
    from grdf.operators import load as module

    usual = module.store_answer

    def checked_meanwhile(*args: object) -> object:
        check()
        return usual(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "store_answer", checked_meanwhile)
    load(account_id, staged, yesterday(clean))
    gone = str(yesterday(clean) - timedelta(days=3))
    assert days_of(stored(couchdb, account_id, pce)) == {day: kwh for day, kwh in before.items() if day != gone}
    assert document(clean, account_id)["state"] == OUTDATED


def test_what_was_read_before_is_kept(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    """The list was cut and only has another's right. Data that an earlier list showed as the account's own is kept."""
    pce, new = holder(account_id).pces[0], other_of(account_id)
    right = bring(clean, account_id, pce)
    run(clean, account_id)
    check()
    before = stored(couchdb, account_id, pce)
    bring(clean, new, pce)
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean, without=right))
    check()
    assert document(clean, account_id)["state"] == OUTDATED
    assert stored(couchdb, account_id, pce) == before


def test_a_line_that_cannot_be_read_does_not_hide_that_a_meter_has_changed_hands(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    run(clean, account_id)
    check()
    before = stored(couchdb, account_id, pce)
    hands_over(clean, account_id, right)
    staged = extract(account_id, yesterday(clean))
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean, garbled=right))
    check()
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert overview(told).situation(clean.control.today()) is Situation.CONNECT
    load(account_id, staged, yesterday(clean))
    assert stored(couchdb, account_id, pce) == before


def test_an_own_line_that_cannot_be_read_is_asked_for_once_the_last_good_list_is_old(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """Without another right on the meter, the account is left unchanged, but not forever."""
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    listed_then(couchdb, 30)
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean, garbled=right))
    check()
    assert document(clean, account_id)["consents_seen"] < utc_text(datetime.now(UTC) - timedelta(hours=29))
    assert not document(clean, account_id).get("state")
    check()
    assert "consents_seen" not in document(clean, account_id)


def test_no_days_are_read_on_the_word_of_a_list_that_is_old(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """GRDF's list is unavailable for days, but its data is not. In the meantime, the meter changes hands."""
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    before = stored(couchdb, account_id, pce)
    hands_over(clean, account_id, right)
    listed_then(couchdb, 37)
    clean.control.fault("/droits_acces", status=503)
    with pytest.raises(ServiceUnavailable):
        run(clean, account_id)
    told = document(clean, account_id)
    assert told["state"] == "VENDOR_DOWN"
    assert overview(told).situation(clean.control.today()) is Situation.VENDOR
    with pytest.raises(FailNow):
        run(clean, account_id)
    assert document(clean, account_id)["consents_lost"] == [pce]
    assert stored(couchdb, account_id, pce) == before


def test_a_list_that_was_asked_for_one_account_counts_for_it(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    pce = holder(account_id).pces[0]
    bring(clean, account_id, pce)
    check()
    clean.control.clear_log()  # the check may have asked about other tests' accounts
    run(clean, account_id)
    listed_then(couchdb, 37)
    for _ in range(2):
        run(clean, account_id)
    asked = [
        call for call in clean.control.log() if call["path"].endswith("/droits_acces") and call["method"] == "POST"
    ]
    assert len(asked) == 1, "once when the list was old; at the first launch the morning's check has told all"
    check()
    assert "consents_seen" not in document(clean, account_id)


def test_a_load_keeps_the_mark_that_the_check_has_set_meanwhile(clean: LocalWorld, account_id: str) -> None:
    right = bring(clean, account_id, holder(account_id).pces[0])
    check()
    run(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    clean.control.revoke(right)
    check()
    load(account_id, staged, yesterday(clean))
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert overview(told | {"state": None}).situation(clean.control.today()) is Situation.CONNECT


def test_the_konnectors_right_is_not_told_by_one_list(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    """One list omits the old tenant's line and only contains the new tenant's."""
    pce = holder(account_id).pces[0]
    (right,) = clean.control.consent([pce])
    new = hands_over(clean, account_id, str(right["id_droit_acces"]))
    clean.control.change_consent(new, date_creation=str(yesterday(clean) - timedelta(days=2)))
    clean.book.save(
        {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {"pce_id": pce}}
    )
    body = list_of(clean, without=str(right["id_droit_acces"]))
    clean.control.fault("/droits_acces", method="GET", status=200, body=body)
    check()
    told = document(clean, account_id)
    assert told["state"] == "VENDOR_DOWN"
    assert "checked again tomorrow" in told["state_message"]
    assert overview(told).situation(clean.control.today()) is Situation.VENDOR, "it waits, and nobody has to act"
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean))
    check()
    told = document(clean, account_id)
    assert Account.from_document(told).meters[0].own == frozenset()
    assert told["state"] == OUTDATED
    assert not stored(couchdb, account_id, pce)


def test_a_new_grant_that_is_refused_every_day_hides_no_stranger(clean: LocalWorld, account_id: str) -> None:
    """The household has connected again, but its ``id_token`` is refused. Its right ends, and a stranger gives one."""
    pce = holder(account_id).pces[0]
    own = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    stored_now = document(clean, account_id)
    stored_now["oauth_callback_results"]["id_token"] = "not.a.token"
    clean.book.save(stored_now)
    clean.control.revoke(own)
    clean.control.consent([pce], keep_others=True)
    check()
    long_ago = utc_text(datetime.now(UTC) - timedelta(hours=37))
    assert document(clean, account_id)["consents_seen"] > long_ago
    clean.book.save(document(clean, account_id) | {"consents_seen": long_ago})
    check()
    assert document(clean, account_id)["consents_seen"] == long_ago, "no list has shown this account since"
    clean.control.clear_log()
    with pytest.raises(FailNow):
        extract(account_id, yesterday(clean), "manual")
    assert not [call for call in clean.control.log() if "donnees" in call["path"]]


def test_an_id_token_that_cannot_be_checked_now_is_not_thrown_away(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection has a wrong issuer when the konnector's accounts are first checked."""
    (pce,) = connect_cozy(clean, account_id)
    old = document(clean, account_id)
    old["oauth_callback_results"]["pce_id"] = pce
    clean.book.save(old)
    clean.control.consent([pce], keep_others=True)
    good = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
    wrong = good | {"extra": good["extra"] | {"issuer": "https://elsewhere.example"}}
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(wrong))
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean))
    check()
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert not Account.from_document(told).reconnected
    assert "former_id_token" in without_old_token(told, clean.control.today() + timedelta(29))["oauth_callback_results"]
    late = without_old_token(told, clean.control.today() + timedelta(30))["oauth_callback_results"]
    assert not [key for key in late if "token" in key], "none stays at rest for ever"
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(good))
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean))
    check()
    told = document(clean, account_id)
    assert consents(clean, account_id)[0]["id_accreditation"]
    assert not told["state"]
    assert not [key for key in told["oauth_callback_results"] if "token" in key]
