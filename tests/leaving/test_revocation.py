"""Revoking covers every right of the account and no other, comes before any removal, and uses the secret only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from include.gas.errors import BadSettings, CredentialsRefused, RetryLater, ServiceUnavailable
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_code, connect_cozy
from tests.leaving.household import (
    ACTIVE,
    REVOKED,
    Couch,
    assert_gone,
    brought,
    household,
    rights,
)
from tests.leaving.runs import acquire
from tests.leaving.steps import FORM, delete, deletion_context, operators
from tests.rights.declared import TELLING, give
from tests.rights.scene import bring, document, other_of

SECRET = "AIRFLOW_CONN_GRDFGRANDLYON_DELETE"

pytestmark = pytest.mark.usefixtures("couch")


def plan(account: str, **form: bool) -> str:
    return str(delete(account, steps=("check",), form={"dry_run": True, **form})["check"]["text"])


def test_a_right_that_another_account_uses_by_now_is_not_recorded_as_revoked(
    clean: LocalWorld, account_id: str, couch: Couch
) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=503)
    with pytest.raises(ServiceUnavailable):
        delete(account_id)
    (right,) = rights(clean, pces)
    given = {"pce_id": pces[0], "consents": [{"pce": pces[0], "id_accreditation": right}]}
    other = {"_id": other_of(account_id), "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": given}
    clean.book.save(other)
    delete(account_id, run_id="run-2")
    (record,) = couch.records(account_id)
    assert (record["revoked"], [*record["left_alone"]]) == ([], [right])
    assert rights(clean, pces) == {right: ACTIVE}


def test_of_an_account_of_the_konnector_s_only_what_it_has_surely_brought(clean: LocalWorld, account_id: str) -> None:
    """Without an ``id_token`` no right that may be somebody else's is revoked."""
    (pce,) = connect_cozy(clean, account_id)
    old = document(clean, account_id)
    old["oauth_callback_results"]["pce_id"] = pce
    del old["oauth_callback_results"]["id_token"]
    clean.book.save(old)
    (own,) = rights(clean, (pce,))
    clean.control.change_consent(own, parcours="DECLARATION_TIERS")
    theirs = bring(clean, other_of(account_id), pce)
    delete(account_id)
    assert rights(clean, (pce,)) == {own: ACTIVE, theirs: ACTIVE}


@pytest.mark.parametrize("connect", [connect_cozy, connect_code])
def test_an_account_that_was_never_launched(clean: LocalWorld, account_id: str, connect: Any) -> None:
    pces = connect(clean, account_id, 2)
    text, given = plan(account_id), document(clean, account_id)
    assert not any(word in text for word in (*pces, *given["oauth"].values(), "eyJ")), "tokens are named and not shown"
    assert document(clean, account_id) == given
    form = {"account": account_id, "confirm": account_id, **FORM}
    with pytest.raises(AirflowRescheduleException):  # a task that is running may be using the code, which works once
        operators(account_id)["check"].execute(deletion_context("run-2", form, running=[1]))
    clean.control.fault("/access_token", status=401, body={"error": "invalid_client"}, times=None)
    with pytest.raises(CredentialsRefused):  # an error of ours does not lose what a code may still give
        delete(account_id)
    clean.control.set(faults=[])
    delete(account_id, run_id="run-2", steps=("check", "mark"))
    with pytest.raises(AirflowRescheduleException):  # it may be bringing the rights
        operators(account_id)["revoke"].execute(deletion_context("run-2", form, running=[1]))
    assert {*rights(clean, pces).values()} == {ACTIVE}
    delete(account_id, run_id="run-2", steps=("revoke", "purge"))
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert len(assert_gone(clean, account_id, pces)["revoked"]) == 2


@pytest.mark.parametrize("what", ["an id_token that has expired", "an odd document"])
def test_consents_that_cannot_be_found_keep_nothing_here(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    if what == "an odd document":
        pces = household(clean, account_id)
        clean.book.save(document(clean, account_id) | {"oauth": 5, "oauth_callback_results": ["odd"]})
        assert "* 3 documents of com.grandlyon.grdf.day" in plan(account_id)
    else:
        clean.control.set(id_token_lifetime_s=-7200)
        pces = connect_cozy(clean, account_id)
    delete(account_id)
    logged = "".join(capfd.readouterr())
    assert "its consents cannot be found" in logged
    assert account_id in logged
    known = what == "an odd document"  # by the ledger
    assert len(assert_gone(clean, account_id, pces)["revoked"]) == known
    assert set(rights(clean, pces).values()) == {REVOKED if known else ACTIVE}


@pytest.mark.parametrize("when", ["while it waits", "after a lost answer", "before it was declared"])
def test_what_grdf_has_of_a_declaration_is_revoked(clean: LocalWorld, account_id: str, couch: Couch, when: str) -> None:
    pce = give(clean, account_id)
    if when == "while it waits":
        with pytest.raises(AirflowSkipException):
            acquire(account_id)
    elif when == "after a lost answer":
        clean.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
        with pytest.raises(RetryLater):
            acquire(account_id)
    had = len(rights(clean, (pce,)))
    assert had == (when != "before it was declared")
    assert ("not known yet" in plan(account_id)) == (when != "while it waits")
    delete(account_id, steps=("check", "mark"))
    clean.control.clear_log()
    with pytest.raises(AirflowSkipException, match="is leaving"):
        acquire(account_id, "manual")
    assert clean.control.log() == [], "nothing is declared for a household that leaves"
    delete(account_id, steps=("revoke", "purge"))
    assert [*rights(clean, (pce,)).values()] == [REVOKED] * had
    assert document(clean, account_id) == {}
    assert couch.mentions(*TELLING, pce) == {}


UNKNOWN = json.dumps({"code_statut_traitement": "2000000007", "message_retour_traitement": "Erreur technique"})


@pytest.mark.parametrize("fault", [
    {"status": 503}, {"status": 404}, {"status": 409}, {"status": 200, "body": "<html>"},
    {"status": 200, "body": UNKNOWN},
], ids=str)  # fmt: skip
def test_nothing_is_removed_before_grdf_has_revoked(
    clean: LocalWorld, account_id: str, couch: Couch, fault: dict[str, Any]
) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", times=None, **fault)
    before = couch.mentions(account_id, but=("com-grandlyon-grdf-audit",))
    with pytest.raises((ServiceUnavailable, CredentialsRefused), match=account_id):
        delete(account_id)
    assert couch.mentions(account_id, but=("com-grandlyon-grdf-audit",)) == before
    assert set(rights(clean, pces).values()) == {ACTIVE}
    (record,) = couch.records(account_id)
    assert (record["finished_at"], record["revoked"]) == (None, [*rights(clean, pces)])
    clean.control.set(faults=[])
    delete(account_id, approved_by=None)  # the approval outlives it
    assert assert_gone(clean, account_id, pces)["revoked"] == record["revoked"]


def test_a_right_whose_line_cannot_be_read_is_not_called_over(clean: LocalWorld, account_id: str) -> None:
    """An old, revoked right can be read. The one in force, the account's newest, cannot."""
    pces = household(clean, account_id)
    (old,) = rights(clean, pces)
    (more,) = clean.control.consent(pces, keep_others=True)
    brought(account_id, more)
    in_force = more["id_droit_acces"]
    clean.control.revoke(old)
    lines = {each["id_droit_acces"]: json.dumps(each) for each in clean.control.consents()}
    odd = json.dumps({"id_pce": None, "id_droit_acces": "0000", "etat_droit_acces": "Obsolete"})
    body = "\n".join([lines[old], odd, lines[in_force][: len(lines[in_force]) // 2]])
    clean.control.fault("/droits_acces", status=200, body=body, times=None)
    assert f"* {in_force} (active)" in plan(account_id)
    delete(account_id)
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert assert_gone(clean, account_id, pces)["revoked"] == [in_force]


def test_grdf_down_is_said_and_the_rest_listed(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    clean.control.fault("/droits_acces", status=503, times=None)
    text = plan(account_id)
    assert all(part in text for part in ("could not be looked up", "HTTP 503", "* 3 documents of com.grandlyon.grdf."))


@pytest.mark.parametrize(
    ("secret", "said"), [("data", "grdfgrandlyon_delete"), ("unknown", "HTTP 401"), ("", "grdfgrandlyon_delete")]
)
def test_without_the_right_secret_nothing_is_revoked_or_removed(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, secret: str, said: str
) -> None:
    pces, connections = household(clean, account_id), clean.connections()
    unknown = json.dumps(json.loads(connections[SECRET]) | {"password": "rotated-away"})
    with monkeypatch.context() as patch:
        patch.delenv(SECRET)
        if secret:
            patch.setenv(SECRET, unknown if secret == "unknown" else connections["AIRFLOW_CONN_GRDF_ADICT"])
        with pytest.raises((CredentialsRefused, BadSettings), match=said) as caught:
            delete(account_id)
    assert "rotated-away" not in str(caught.value)
    assert set(rights(clean, pces).values()) == {ACTIVE}
    assert clean.book.get(account_id)
    delete(account_id, run_id="run-2")
    assert_gone(clean, account_id, pces)


def test_the_token_stays_in_memory(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from grdf.hooks.oauth import GrdfOAuthHook, Variables

    tokens: list[tuple[str, str]] = []
    ask = GrdfOAuthHook.request_data_token

    def listen(hook: Any, *terms: Any) -> Any:
        token = ask(hook, *terms)
        tokens.append((hook.grdf_conn_id, token.value))
        return token

    def refuse(*_: Any) -> None:
        raise AssertionError("a Variable was touched")

    monkeypatch.setattr(GrdfOAuthHook, "request_data_token", listen)
    monkeypatch.setattr(Variables, "get", refuse)
    monkeypatch.setattr(Variables, "__setitem__", refuse)
    household(clean, account_id)
    given = delete(account_id)
    (mine,) = [value for conn_id, value in tokens if conn_id == "grdfgrandlyon_delete"]
    everything = "".join([json.dumps(given), *capfd.readouterr()])
    for word in (mine, clean.facts["delete_client_secret"]):
        assert word not in everything
        assert couch.mentions(word) == {}
