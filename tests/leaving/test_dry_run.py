"""A dry run says exactly what would be revoked and removed, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import connect_cozy
from tests.leaving.household import Couch, brought, household, revocations, rights, staging_folder
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

DRY = {"dry_run": True}


def plan(account: str, **form: bool) -> str:
    return str(delete(account, steps=("check",), form={**DRY, **form})["check"]["text"])


def test_exactly_what_would_go(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces = household(clean, account_id, 2, days=5)
    (extra,) = clean.control.consent([pces[0]], keep_others=True)
    (waiting,) = clean.control.consent([pces[1]], keep_others=True, fields={"etat_droit_acces": "A valider"})
    (old,) = clean.control.consent([pces[1]], keep_others=True, fields={"etat_droit_acces": "Obsolète"})
    brought(account_id, extra, waiting)
    (strangers,) = clean.control.consent([pces[1]], keep_others=True)
    before, rights_before = couch.revisions(), rights(clean, pces)
    text = plan(account_id)
    assert "Consents to revoke at GRDF: 4" in text
    for right, state in rights_before.items():
        listed = right != old["id_droit_acces"]
        assert (f"* {right} (" in text) == listed, (right, state)
    assert f"* {waiting['id_droit_acces']} (waiting for the holder)" in text
    assert f"* {extra['id_droit_acces']} (active)" in text
    assert "Other consents on its meters, which stay: 1" in text
    assert f"* {strangers['id_droit_acces']} (this account has not brought it)" in text
    assert "* 10 documents of com.grandlyon.grdf.day" in text
    assert "* 2 documents of com.grandlyon.grdf.month" in text
    assert "* 2 documents of com.grandlyon.grdf.year" in text
    assert "* 1 staged files" in text
    assert text.rstrip().endswith("* the account document, with its tokens")
    assert not any(pce in text for pce in pces)
    assert couch.revisions() == before
    assert rights(clean, pces) == rights_before
    assert revocations(clean) == []
    assert len(list(staging_folder(account_id).iterdir())) == 1


def test_tokens_are_named_and_not_shown(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    connect_cozy(clean, account_id)
    before = couch.revisions()
    document = clean.book.get(account_id) or {}
    text = plan(account_id)
    assert "* the account document, with its tokens" in text
    assert "looked up before the consents are revoked" in text
    assert document["oauth"]["access_token"] not in text
    assert document["oauth_callback_results"]["id_token"] not in text
    assert couch.revisions() == before


def test_keeping_the_data_is_said(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    text = plan(account_id, keep_data=True)
    assert "Consents to revoke at GRDF: 1" in text
    assert "Nothing is removed" in text
    assert "documents of" not in text


def test_grdf_down_is_said_and_the_rest_listed(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    clean.control.fault("/droits_acces", status=503, times=None)
    text = plan(account_id)
    assert "The consents could not be looked up" in text
    assert "HTTP 503" in text
    assert "* 3 documents of com.grandlyon.grdf.day" in text


def test_an_odd_document_is_listed_all_the_same(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    document = clean.book.get(account_id) or {}
    clean.book.save(document | {"oauth": 5, "oauth_callback_results": ["odd"]})
    text = plan(account_id)
    assert "The consents that its document names cannot be read" in text
    assert "* 3 documents of com.grandlyon.grdf.day" in text


def test_the_log_holds_the_plan(clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]) -> None:
    household(clean, account_id)
    text = plan(account_id)
    assert text
    first_line = next(line for line in text.splitlines() if line.startswith("* "))
    logged = "".join(capfd.readouterr())
    assert first_line in logged
    assert "dry run, nothing was revoked or removed" in logged
