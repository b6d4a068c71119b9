"""Revoking covers every right of the account, comes before any removal, and uses the dedicated secret only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import BadSettings, CredentialsRefused, ServiceUnavailable
from include.sandbox.connect import consent
from tests.helpers import holder
from tests.leaving.household import (
    ACTIVE,
    DATA_CLIENT,
    DELETE_CLIENT,
    REVOKED,
    Couch,
    assert_gone,
    brought,
    household,
    revocations,
    rights,
)
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_all_rights_of_all_meters_by_the_delete_client(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id, 3)
    (former,) = clean.control.consent([pces[1]], keep_others=True)
    (waiting,) = clean.control.consent([pces[2]], keep_others=True, fields={"etat_droit_acces": "A valider"})
    (obsolete,) = clean.control.consent([pces[0]], keep_others=True, fields={"etat_droit_acces": "Obsolète"})
    (strangers,) = clean.control.consent([pces[1]], keep_others=True)
    brought(account_id, former, waiting, obsolete)
    clean.control.clear_log()
    given = delete(account_id)
    untouched = {strangers["id_droit_acces"]: ACTIVE, obsolete["id_droit_acces"]: "Obsolète"}
    now = rights(clean, pces)
    assert {right: state for right, state in now.items() if right in untouched} == untouched
    ours = now.keys() - untouched.keys()
    assert {now[right] for right in ours} == {REVOKED}
    assert {former["id_droit_acces"], waiting["id_droit_acces"]} < ours
    assert len(ours) == 5
    asked = revocations(clean)
    assert sorted(asked) == sorted((right, 200, DELETE_CLIENT) for right in ours), "once each, by nobody else"
    assert given["revoke"]["revoked"] == sorted(ours)
    record = assert_gone(clean, account_id, pces)
    assert record["revoked"] == sorted(ours)
    assert record["left_alone"] == {strangers["id_droit_acces"]: "this account has not brought it"}
    by_data_client = [call["path"] for call in clean.control.log() if call["client_id"] == DATA_CLIENT]
    assert all(path.endswith(("/droits_acces", "/access_token")) for path in by_data_client)


def test_a_meter_that_a_later_consent_did_not_name_is_revoked_too(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id, 2)
    grant = consent(clean.facts, holder(account_id))  # only for the first meter, and not taken by a run yet
    account = clean.book.get(account_id) or {}
    clean.book.save(account | {"state": "USER_ACTION_NEEDED.OAUTH_OUTDATED", "oauth": dict(grant)})
    delete(account_id)
    assert set(rights(clean, pces[1:]).values()) == {REVOKED}
    assert ACTIVE not in rights(clean, pces).values()
    revoked = assert_gone(clean, account_id, pces)["revoked"]
    assert len(revoked) == 2, "the one that the new one has replaced is over"


def test_revoked_before_anything_is_removed(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=503)
    before = couch.mentions(account_id, but=("com-grandlyon-grdf-audit",))
    with pytest.raises(ServiceUnavailable, match="HTTP 503"):
        delete(account_id)
    assert couch.mentions(account_id, but=("com-grandlyon-grdf-audit",)) == before
    assert set(rights(clean, pces).values()) == {ACTIVE}
    (record,) = couch.records(account_id)
    assert record["finished_at"] is None
    assert record["revoked"] == sorted(rights(clean, pces))
    delete(account_id, run_id="run-2")
    assert assert_gone(clean, account_id, pces)["revoked"] == record["revoked"]


@pytest.mark.parametrize(("status", "error"), [(409, ServiceUnavailable), (404, CredentialsRefused)])
def test_revoked_already(clean: LocalWorld, account_id: str, status: int, error: type[Exception]) -> None:
    """GRDF shows the right as active, but it is gone when it is to be revoked: the next try sees that."""
    pces = household(clean, account_id)
    (right,) = rights(clean, pces)
    clean.control.set(second_revocation_status=status)
    line = next(each for each in clean.control.consents() if each["id_droit_acces"] == right)
    clean.control.revoke(right)
    # The check, the approval and then the revocation see it as active.
    clean.control.fault("/droits_acces", status=200, body=line, times=3)
    with pytest.raises(error, match=f"HTTP {status}"):
        delete(account_id)
    assert clean.book.get(account_id), "nothing was removed"
    delete(account_id, steps=("revoke", "purge"))
    assert revocations(clean) == [(right, status, DELETE_CLIENT)]
    assert assert_gone(clean, account_id, pces)["revoked"] == [right]


def test_a_right_that_is_known_to_be_over_is_not_asked_for(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    (right,) = rights(clean, pces)
    clean.control.revoke(right)
    delete(account_id)
    assert revocations(clean) == []
    assert assert_gone(clean, account_id, pces)["revoked"] == []


@pytest.mark.parametrize("status", [404, 409])
def test_a_refusal_of_a_right_that_still_stands_is_no_success(clean: LocalWorld, account_id: str, status: int) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=status, times=None)
    with pytest.raises(Exception, match=f"HTTP {status}") as caught:
        delete(account_id)
    assert account_id in str(caught.value)
    assert set(rights(clean, pces).values()) == {ACTIVE}
    assert clean.book.get(account_id), "nothing was removed"


def with_broken_line(world: LocalWorld, whole: str, broken: str) -> str:
    """Return GRDF's list of two rights, with one line cut off."""
    lines = {each["id_droit_acces"]: json.dumps(each) for each in world.control.consents()}
    return f"{lines[whole]}\n{lines[broken][: len(lines[broken]) // 2]}"


@pytest.mark.parametrize("known_is_broken", [True, False])
def test_a_right_whose_line_cannot_be_read_is_not_called_over(
    clean: LocalWorld, account_id: str, known_is_broken: bool
) -> None:
    """An old, revoked right can be read. The one in force, which may be the account's newest, cannot."""
    pces = household(clean, account_id)
    (known,) = rights(clean, pces)
    (more,) = clean.control.consent(pces, keep_others=True)
    brought(account_id, more)
    other = more["id_droit_acces"]
    old, in_force = (other, known) if known_is_broken else (known, other)
    clean.control.revoke(old)
    body = with_broken_line(clean, old, in_force)
    clean.control.fault("/droits_acces", status=200, body=body, times=None)
    plan = delete(account_id, form={"dry_run": True}, steps=("check",))["check"]["text"]
    assert f"* {in_force} (active)" in plan
    delete(account_id)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert assert_gone(clean, account_id, pces)["revoked"] == [in_force]


def test_a_line_that_is_no_right_keeps_nobody_from_leaving(clean: LocalWorld, account_id: str) -> None:
    """The line is in every day's list, but the account's own rights are in readable lines."""
    pces = household(clean, account_id)
    lines = [json.dumps(each) for each in clean.control.consents() if each["id_pce"] in pces]
    odd = json.dumps({"id_pce": None, "id_droit_acces": "0000", "etat_droit_acces": "Obsolete"})
    clean.control.fault("/droits_acces", status=200, body="\n".join([*lines, odd]), times=None)
    plan = delete(account_id, form={"dry_run": True}, steps=("check",))["check"]["text"]
    assert "could not be read" not in plan
    delete(account_id)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert assert_gone(clean, account_id, pces)["revoked"] == sorted(rights(clean, pces))


def test_a_revocation_whose_answer_is_lost_is_recorded_as_ours(
    clean: LocalWorld, account_id: str, couch: Couch
) -> None:
    pces = household(clean, account_id)
    (former,) = clean.control.consent(pces, keep_others=True)
    brought(account_id, former)
    clean.control.fault("/droit_acces/", cut=True, after=True, times=2)
    for run in ("run-1", "run-2"):
        with pytest.raises(ServiceUnavailable):
            delete(account_id, run_id=run)
    delete(account_id, run_id="run-3")
    assert assert_gone(clean, account_id, pces)["revoked"] == sorted(rights(clean, pces))
    assert former["id_droit_acces"] in couch.records(account_id)[0]["revoked"]


def test_a_2xx_in_html_is_no_success(clean: LocalWorld, account_id: str) -> None:
    """The gateway's maintenance page sometimes comes this way."""
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=200, body="<html>Maintenance</html>", times=None)
    with pytest.raises(ServiceUnavailable, match="did not complete the revocation"):
        delete(account_id)
    assert set(rights(clean, pces).values()) == {ACTIVE}
    assert clean.book.get(account_id), "nothing was removed"


def test_a_2xx_that_says_no_is_no_success(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    body = {"code_statut_traitement": "2000000007", "message_retour_traitement": "Erreur technique"}
    clean.control.fault("/droit_acces/", status=200, body=body)
    with pytest.raises(ServiceUnavailable, match="2000000007"):
        delete(account_id)
    assert set(rights(clean, pces).values()) == {ACTIVE}


def test_a_client_that_may_not_revoke(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pces = household(clean, account_id)
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", clean.connections()["AIRFLOW_CONN_GRDF_ADICT"])
    with pytest.raises(CredentialsRefused, match="does not let the client of the connection grdfgrandlyon_delete"):
        delete(account_id)
    assert set(rights(clean, pces).values()) == {ACTIVE}
    assert clean.book.get(account_id)


def test_a_secret_that_grdf_does_not_know(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    household(clean, account_id)
    connection = json.loads(clean.connections()["AIRFLOW_CONN_GRDFGRANDLYON_DELETE"]) | {"password": "rotated-away"}
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", json.dumps(connection))
    with pytest.raises(CredentialsRefused, match="HTTP 401") as caught:
        delete(account_id)
    assert "rotated-away" not in str(caught.value)
    assert clean.book.get(account_id)


def test_without_the_connection(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pces = household(clean, account_id)
    monkeypatch.delenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE")
    with pytest.raises(BadSettings, match="grdfgrandlyon_delete"):
        delete(account_id)
    assert clean.book.get(account_id)
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", clean.connections()["AIRFLOW_CONN_GRDFGRANDLYON_DELETE"])
    delete(account_id, run_id="run-2")
    assert_gone(clean, account_id, pces)


def test_a_delete_token_that_grdf_forgets_is_asked_for_anew(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=401)
    delete(account_id)
    assert [status for _, status, _ in revocations(clean)] == [401, 200]
    assert_gone(clean, account_id, pces)


def test_the_token_stays_in_memory(
    clean: LocalWorld,
    account_id: str,
    couch: Couch,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from grdf.hooks.oauth import GrdfOAuthHook, Variables

    tokens: list[tuple[str, str]] = []
    ask = GrdfOAuthHook.ask_data_token

    def listen(hook: Any, *terms: Any) -> Any:
        token = ask(hook, *terms)
        tokens.append((hook.grdf_conn_id, token.value))
        return token

    def refuse(*_: Any) -> None:
        raise AssertionError("a Variable was touched")

    monkeypatch.setattr(GrdfOAuthHook, "ask_data_token", listen)
    monkeypatch.setattr(Variables, "get", refuse)
    monkeypatch.setattr(Variables, "__setitem__", refuse)
    household(clean, account_id)
    given = delete(account_id)
    mine = [value for conn_id, value in tokens if conn_id == "grdfgrandlyon_delete"]
    assert len(mine) == 1
    secret = clean.facts["delete_client_secret"]
    everything = "".join([json.dumps(given), *capfd.readouterr()])
    for word in (mine[0], secret):
        assert word not in everything
        assert couch.mentions(word) == {}
