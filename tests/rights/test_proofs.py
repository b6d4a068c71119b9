"""GRDF asks for the proof of a consent: it gets it once, whole, and no other client does; and the account's state."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.account_intake import AccountIntake
from grdf.operators.ways_in.send_proof import SendProofOperator
from grdf.staging.staged_answers import Staging
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.account import Account
from include.gas.account.declaration import Declaration
from include.gas.account.marks import with_leaving
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    CredentialsRefused,
    ProofNotSent,
    ServiceUnavailable,
)
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import HOUSEHOLD, ConsentText, new_record
from include.gas.proof.proof_file import check_proof_file
from include.gas.rights.meter_rights import Proof
from include.sandbox.local_world import LocalWorld
from tests.helpers import context
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.declared import calls
from tests.rights.scene import bring, check, document

NAME, EMAIL, PHONE, POSTCODE = "Łukasz Durand-Invente", "l.durand@example.org", "+33 6 98 76 54 32", "69777"
PDF, PNG, JPEG = (GOOD[kind] for kind in ("application/pdf", "image/png", "image/jpeg"))


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staging:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    return Staging(settings.staging_url())


def take_in(account: str) -> None:
    AccountIntake(CouchDBHook(), AdictHook(), account).process_account()


def proofs_of(world: LocalWorld, account: str) -> dict[str, Proof]:
    meters = Account.from_document(document(world, account)).meters
    return {right: proof for meter in meters for right, proof in meter.proofs.items()}


def meter_of(account: str, number: int = 0) -> str:
    return f"09999999{number}{account[-5:]}"


def asked(world: LocalWorld, account: str, *, record: bool = True) -> str:
    if record:
        declared = Declaration(pce=meter_of(account), name=NAME, email=EMAIL, phone=PHONE, postcode=POSTCODE)
        agreed, then = ConsentText("1", "fr", "J’accepte."), datetime.now(UTC) - timedelta(minutes=5)
        ConsentRecords(CouchDBHook()).add(new_record(account, declared, then, by=HOUSEHOLD, agreed=agreed))
    right = bring(world, account, meter_of(account))
    take_in(account)
    of_person = {"nom_titulaire": NAME, "courriel_titulaire": EMAIL, "parcours": "DECLARATION_TIERS"}
    world.control.change_consent(right, **of_person)
    world.control.ask_proof(right, world.control.today() + timedelta(days=20))
    return right


def send(account: str = "", *, try_number: int = 1) -> dict[str, int]:
    operator = SendProofOperator(task_id="send", account_id=account)
    return dict(operator.execute(context(run_type="manual", try_number=try_number)))


def sent(world: LocalWorld, right: str) -> list[bytes]:
    return [file["content"] for file in world.control.proofs(right)]


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_the_record_is_sent_once(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    right = asked(clean, account_id)
    calls(clean)
    assert send(account_id) == {"asked": 1, "sent": 1, "files": 1}
    assert calls(clean) == [("POST", "droits_acces"), ("PUT", "preuves")]
    (file,) = clean.control.proofs(right)
    assert (file["name"], file["type"]) == ("preuve-1.pdf", "application/pdf")
    said, personal = text_of(file["content"]), (NAME, EMAIL, PHONE, POSTCODE, meter_of(account_id))
    assert all(each in said for each in (*personal, right, "J’accepte."))
    assert send(account_id) == {"asked": 0, "sent": 0, "files": 0}
    assert calls(clean) == [("POST", "droits_acces")], "GRDF is checking it"
    clean.control.change_consent(right, statut_controle_preuve="Preuve en attente")
    assert send(account_id)["sent"] == 0, "its list is a little late"
    log = "".join(capfd.readouterr()) + caplog.text
    assert meter_tag(account_id, meter_of(account_id)) in log
    assert not any(each in log for each in (*personal, "Durand", "J’accepte"))


def test_own_files_go_first_and_replace_a_refused_proof(
    clean: LocalWorld, account_id: str, staging: Staging, tmp_path: Path
) -> None:
    right = asked(clean, account_id)
    for content in (JPEG, PDF):
        staging.proofs(account_id).put(check_proof_file(content))
    assert send(account_id)["files"] == 3
    files = clean.control.proofs(right)
    assert [each["content"] for each in files[:2]] == [JPEG, PDF]
    assert [each["name"] for each in files] == ["preuve-1.jpg", "preuve-2.pdf", "preuve-3.pdf"]
    assert NAME in text_of(files[2]["content"])
    assert staging.count(account_id) == 0
    clean.control.decide_proof(right, accept=False)
    check()
    shown = document(clean, account_id)
    assert (shown["state"], shown["state_partial"]) == ("USER_ACTION_NEEDED", True), "it is read on"
    assert send(account_id)["sent"] == 0, "the record was refused: it is not sent again"
    for _ in range(3):
        staging.proofs(account_id).put(check_proof_file(PNG))
    for each in (tmp_path / "staging/proofs" / account_id).iterdir():
        os.utime(each, (1.6e9, 1.6e9))  # copied with the time it was scanned at
    assert send() == {"asked": 0, "sent": 1, "files": 3}
    assert sent(clean, right)[3:] == [PNG] * 3, "as many as GRDF takes"
    check()
    assert not document(clean, account_id)["state"], "the refusal is over"


def test_a_proof_that_cannot_be_sent_stops_no_other(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    number = int(account_id[-5:])
    refused, without, leaves, good = (f"proof-{at}-{50_000 + number * 4 + at:05}" for at in range(4))
    names = (refused, without, leaves, good)
    rights = {name: asked(clean, name, record=name != without) for name in names}
    check()
    clean.book.save(with_leaving(document(clean, leaves), by="b", since=datetime.now(UTC)))
    clean.book.save({"_id": "odd", "account_type": "grdfgrandlyon", "oauth": 7, "proofs": [1]})
    clean.control.fault(f"/droit_acces/{rights[refused]}/preuves$", method="PUT", status=403)
    with pytest.raises((CredentialsRefused, ProofNotSent)):
        send()
    said = "".join(capfd.readouterr())
    assert all(f"Account {name}: GRDF" in said for name in (refused, without)), "the log has all"
    assert [len(sent(clean, right)) for right in rights.values()] == [0, 0, 0, 1]
    calls(clean)
    for name, error in ((leaves, AccountLeaving), ("unknown", BadAccount), ("../other", BadAccount)):
        with pytest.raises(error, match=name):
            send(name)
    assert calls(clean) == []


def test_a_lost_answer_sends_nothing_twice(clean: LocalWorld, account_id: str, staging: Staging) -> None:
    right = asked(clean, account_id)
    staging.proofs(account_id).put(check_proof_file(PNG))
    clean.control.fault("/preuves$", method="PUT", status=504, after=True)
    with pytest.raises(ServiceUnavailable, match="HTTP 504"):
        send(account_id)
    assert staging.count(account_id) == 1
    assert proofs_of(clean, account_id)[right].is_due, "as far as we know"
    assert send(account_id, try_number=2)["sent"] == 0
    assert len(sent(clean, right)) == 2, "GRDF had taken them"
    assert proofs_of(clean, account_id)[right].state == "checking"


def test_no_other_right_gets_a_proof(clean: LocalWorld, account_id: str) -> None:
    right = asked(clean, account_id)
    (stranger,) = clean.control.consent([meter_of(account_id)], keep_others=True)
    (more,) = clean.control.consent([meter_of(account_id, 3)])
    stored = document(clean, account_id)
    given = {"pce": more["id_pce"], "id_accreditation": more["id_droit_acces"]}
    stored["oauth_callback_results"]["consents"].append(given)
    clean.book.save(stored)
    take_in(account_id)
    for each in (stranger, more):
        clean.control.ask_proof(each["id_droit_acces"], clean.control.today())
    with pytest.raises(ProofNotSent, match="neither a file of your own"):
        send(account_id)
    proofs = [len(sent(clean, each)) for each in (right, stranger["id_droit_acces"], more["id_droit_acces"])]
    assert proofs == [1, 0, 0], "the other meter does not keep it waiting"
