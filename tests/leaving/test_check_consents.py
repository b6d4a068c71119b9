"""``grdf_consents`` finds out with one call whose consents are gone, back, or about to end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from msgspec.structs import replace

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadAccount, CredentialsRefused, RefusalDoubted, ServiceUnavailable
from include.gas.rights.meter_rights import unclaimed
from include.sandbox.connect import AccountBook, consent
from tests.helpers import connect_cozy, holder, known_account, yesterday
from tests.leaving.household import Couch, rights
from tests.leaving.runs import acquire, check, extract
from tests.leaving.steps import delete
from tests.rights.scene import bring

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"

pytestmark = pytest.mark.usefixtures("shelf")


def settled(world: LocalWorld, account: str, meters: int = 1, **terms: Any) -> tuple[str, ...]:
    """Create an account in which the check has nothing to change."""
    pces = known_account(world, account, meters, **terms)
    check()
    world.control.clear_log()
    return pces


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def test_one_call_for_all_and_unchanged_accounts_are_not_rewritten(clean: LocalWorld, account_id: str) -> None:
    others = [f"{name}-{account_id.rpartition('-')[2]}" for name in ("second", "third")]
    for name in (account_id, *others):
        settled(clean, name)
    before = {name: document(clean, name) for name in (account_id, *others)}
    couch = Couch(clean)
    revisions = couch.revisions()
    counts = check()
    assert counts["checked"] >= 3
    assert [(call["method"], call["path"].rpartition("/")[2]) for call in clean.control.log()] == [
        ("POST", "access_token"),
        ("GET", "droits_acces"),
    ]
    assert couch.revisions() == revisions
    assert before == {name: document(clean, name) for name in before}


def test_revoked_on_grdfs_site(clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]) -> None:
    pces = settled(clean, account_id)
    (right,) = rights(clean, pces)
    clean.control.revoke(right)
    check()
    marked = document(clean, account_id)
    assert marked["state"] == OUTDATED
    assert "there has been no consent since" in marked["state_message"]
    assert "must consent again" in marked["state_message"]
    assert marked["state_since"]
    assert account_id in "".join(capfd.readouterr())
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match="no consent since"):
        acquire(account_id)
    assert extract(account_id, yesterday(clean))["answers"] == 0  # it came after ``acquire_token``
    assert clean.control.log() == []
    check()
    assert document(clean, account_id) == marked, "said once"


def test_consented_again(clean: LocalWorld, account_id: str) -> None:
    """GRDF's list does not say who has consented, so the account keeps its own consent until it connects again."""
    pces = settled(clean, account_id)
    (old,) = rights(clean, pces)
    clean.control.revoke(old)
    check()
    (right,) = clean.control.consent(pces)
    check()
    told = unclaimed(Ledger(CouchDBHook()).every(), clean.control.today())
    assert right["id_droit_acces"] in {each.id for each in told}
    lost = document(clean, account_id)
    assert lost["state"] == OUTDATED
    assert right["id_droit_acces"] not in json.dumps(lost)
    fresh = consent(clean.facts, holder(account_id))
    clean.book.save(lost | {"oauth": dict(fresh)})
    assert acquire(account_id)["first_launch"] is True
    check()
    restored = document(clean, account_id)
    assert not restored.get("state")
    (entry,) = restored["oauth_callback_results"]["consents"]
    assert entry["id_accreditation"] not in (old, right["id_droit_acces"])
    acquire(account_id)


def test_in_force_again_under_the_same_id(clean: LocalWorld, account_id: str) -> None:
    pces = settled(clean, account_id)
    (right,) = rights(clean, pces)
    clean.control.revoke(right)
    check()
    assert document(clean, account_id)["state"] == OUTDATED
    clean.control.change_consent(right, etat_droit_acces="Active", date_revocation=None)
    check()
    assert not document(clean, account_id).get("state")


def test_a_gateway_that_refuses_for_a_while_stops_nobody(clean: LocalWorld, account_id: str) -> None:
    settled(clean, account_id)
    clean.control.fault("/adict/", status=403, body="<html>Request blocked</html>", times=None)
    with pytest.raises(RefusalDoubted, match="HTTP 403 and gave no reason"):
        extract(account_id, yesterday(clean))
    assert document(clean, account_id)["state"] != OUTDATED
    clean.control.set(faults=[])
    acquire(account_id)
    extract(account_id, yesterday(clean))


def test_a_meter_that_is_over_beside_one_in_force_is_history(clean: LocalWorld, account_id: str) -> None:
    pces = settled(clean, account_id, 2)
    clean.control.revoke(next(iter(rights(clean, pces[:1]))))
    check()
    assert not document(clean, account_id).get("state")
    acquire(account_id)


def test_too_narrow(clean: LocalWorld, account_id: str) -> None:
    (pce,) = settled(clean, account_id)
    clean.control.change_consent(next(iter(rights(clean, (pce,)))), perim_donnees_informatives="Faux")
    check()
    assert document(clean, account_id)["state"] == PERMISSIONS
    assert "does not include the daily data" in document(clean, account_id)["state_message"]


def test_a_consent_that_has_ended(clean: LocalWorld, account_id: str) -> None:
    today = clean.control.today()
    settled(clean, account_id, droit_debut=str(today - timedelta(days=9)), droit_fin=str(today - timedelta(days=1)))
    assert document(clean, account_id)["state"] == OUTDATED
    assert f"no consent since {today}" in document(clean, account_id)["state_message"]


ODD = [
    {"oauth_callback_results": "odd"},
    {"oauth_callback_results": {"consents": "odd"}},
    {"oauth_callback_results": {"consents": ["odd"]}},
    {"oauth_callback_results": {"consents": [{"pce": ["odd"]}]}},
    {"oauth_callback_results": {"consents": 5}},
    {"oauth_callback_results": {"pce_id": {"odd": 1}}},
    {"oauth": ["odd"]},
]


def test_an_end_by_date_is_noted_by_the_account_s_own_run(clean: LocalWorld, account_id: str) -> None:
    """Also on a morning on which GRDF could not be asked about all rights."""
    (pce,) = settled(clean, account_id)
    ended = {"calls_until": yesterday(clean)}
    Ledger(CouchDBHook()).apply(
        pce, lambda meter: replace(meter, rights=tuple(replace(each, **ended) for each in meter.rights))
    )
    acquire(account_id)
    assert extract(account_id, yesterday(clean))["answers"] == 0
    assert document(clean, account_id)["state"] == OUTDATED


def test_odd_accounts_keep_nobody_else_from_being_checked(clean: LocalWorld, account_id: str) -> None:
    pces = settled(clean, account_id)
    number = account_id.rpartition("-")[2]
    odd = [f"{name}-odd{number}" for name in "ABCDEFG"]  # they come first
    for name, part in zip(odd, ODD, strict=True):
        clean.book.save({"_id": name, "account_type": "grdfgrandlyon", **part})
    before = {name: document(clean, name) for name in odd}
    clean.control.revoke(next(iter(rights(clean, pces))))
    counts = check()
    assert counts["odd"] >= len(ODD)
    assert document(clean, account_id)["state"] == OUTDATED
    assert {name: document(clean, name) for name in odd} == before
    for name in odd:  # the next tests check the log and the counts
        clean.book.save({**before[name], "account_type": "other"})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, ServiceUnavailable),
        ({"status": 200, "body": "<html>Maintenance {</html>"}, ServiceUnavailable),
        ({"status": 200, "cut": True}, ServiceUnavailable),
        ({"status": 401}, CredentialsRefused),
    ],
)
def test_grdf_does_not_answer(
    clean: LocalWorld, account_id: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    settled(clean, account_id)
    before = Couch(clean).revisions()
    clean.control.fault("/droits_acces", times=None, **fault)
    with pytest.raises(error):
        check()
    assert Couch(clean).revisions() == before


def test_a_list_that_was_cut_short_marks_nobody(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten households in databases of their own, so that a list of their rights is a complete list."""
    prefix = f"cut{account_id[-5:]}/"
    connection = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(connection))
    couch = clean.couch
    monkeypatch.setattr(clean, "book", AccountBook(couch.url, couch.user, couch.password, prefix))
    CouchDBHook().create_database(ACCOUNT)
    names = [f"cut-{80_000 + 10 * int(account_id[-5:]) + number}" for number in range(10)]
    mine = {bring(clean, name, holder(name).pces[0]) for name in names[:3]}
    for name in names[3:]:
        bring(clean, name, holder(name).pces[0])
    assert check()["checked"] == 10
    lines = [json.dumps(each) for each in clean.control.consents() if each["id_droit_acces"] in mine]
    clean.control.fault("/droits_acces", method="GET", status=200, body="\n".join(lines), times=2)
    for _ in range(2):
        check()
    assert [name for name in names if document(clean, name).get("state")] == []


def test_accounts_that_are_not_connected_yet_are_left_alone(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id)
    before = document(clean, account_id)
    check()
    assert document(clean, account_id) == before


@pytest.mark.parametrize("meanwhile", ["leaving", "gone"])
def test_an_account_that_leaves_meanwhile(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    from grdf.stores.accounts.account_store import AccountStore

    pces = settled(clean, account_id)
    behind = f"zz-{account_id}"
    others = settled(clean, behind.replace("account-", "account-8"))
    for right in (*rights(clean, pces), *rights(clean, others)):
        clean.control.revoke(right)
    update, steps = AccountStore.update, ("check", "mark") if meanwhile == "leaving" else None

    def late(store: Any, account: str, change: Any, **more: Any) -> Any:
        if account == account_id:
            monkeypatch.setattr(AccountStore, "update", update)
            delete(account_id, **({"steps": steps} if steps else {}))
            monkeypatch.setattr(AccountStore, "update", late)
        return update(store, account, change, **more)

    monkeypatch.setattr(AccountStore, "update", late)
    check()
    monkeypatch.setattr(AccountStore, "update", update)
    if meanwhile == "leaving":
        assert document(clean, account_id)["leaving"]["by"] == "someone"
        delete(account_id, steps=("revoke", "purge"))
    with pytest.raises(BadAccount):
        acquire(account_id)
    assert document(clean, behind.replace("account-", "account-8"))["state"] == OUTDATED


def test_an_account_that_is_new_while_grdf_is_asked_keeps_its_right(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document is not among those that the check has read. One that was removed before has no right any more."""
    settled(clean, account_id)
    (pce,) = settled(clean, gone := account_id.replace("account-", "account-7"))
    clean.book.remove(gone)
    late = account_id.replace("account-", "account-8")
    asked = AdictHook.all_access_rights

    def meanwhile(hook: AdictHook) -> Any:
        known_account(clean, late)
        return asked(hook)

    monkeypatch.setattr(AdictHook, "all_access_rights", meanwhile)
    check()
    of_late, of_gone = (Ledger(CouchDBHook()).fetch([meter])[meter].rights for meter in (*holder(late).pces, pce))
    assert [right.account for right in of_late] == [late]
    assert [right.account for right in of_gone] == [""]
