"""GRDF gets the proof that it asks for: once, whole, and nobody else does."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from grdf import settings
from grdf.ledger.meters import Ledger
from grdf.operators.ways_in.send_proof import SendProofOperator
from grdf.staging.area import Staging
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.declaration import Declaration
from include.gas.account.marks import with_leaving
from include.gas.documents.doctypes import METER
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    CredentialsRefused,
    ProofNotSent,
    ServiceUnavailable,
)  # fmt: skip
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import HOUSEHOLD, ConsentText, new_record
from include.gas.proof.proof_file import checked
from include.gas.rights.meter_rights import Proof
from tests.helpers import context
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.proofs import brought, proofs_of, take_in
from tests.rights.scene import check, document, other_of

if TYPE_CHECKING:
    from pathlib import Path

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

NAME, EMAIL, PHONE, POSTCODE = "Łukasz Durand-Invente", "l.durand@example.org", "+33 6 98 76 54 32", "69777"


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staging:
    """A staging store of the test's own."""
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    return Staging(settings.staging_url())


@pytest.fixture(autouse=True)
def nobody_else_is_asked(couchdb: CouchDBHook) -> None:
    for meter in Ledger(couchdb).every():
        if any(right.proof for right in meter.rights):
            Remover(couchdb).remove(METER, meter.pce)


def meter_of(account: str) -> str:
    return f"099999990{account[-5:]}"


def asked(world: LocalWorld, couchdb: CouchDBHook, account: str, *, record: bool = True, days: int = 20) -> str:
    """Create an account whose proof GRDF asks for, and return the right."""
    pce = meter_of(account)
    if record:
        declared = Declaration(pce=pce, name=NAME, email=EMAIL, phone=PHONE, postcode=POSTCODE)
        agreed = ConsentText("1", "fr", "J’accepte.")
        then = datetime.now(UTC) - timedelta(minutes=5)
        ConsentRecords(couchdb).add(new_record(account, declared, then, by=HOUSEHOLD, agreed=agreed))
    right = brought(world, couchdb, account, pce)
    of_person = {"nom_titulaire": NAME, "courriel_titulaire": EMAIL, "parcours": "DECLARATION_TIERS"}
    world.control.change_consent(right, **of_person)
    world.control.ask_proof(right, world.control.today() + timedelta(days=days))
    return right


def send(account: str = "", *, try_number: int = 1) -> dict[str, int]:
    """Execute the task."""
    operator = SendProofOperator(task_id="send", account_id=account)
    return dict(operator.execute(context(run_type="manual", try_number=try_number)))


def proof(world: LocalWorld, account: str, right: str) -> Proof:
    return proofs_of(world, account)[right]


def calls(world: LocalWorld) -> list[tuple[str, str]]:
    log = world.control.log()
    world.control.clear_log()
    return [(call["method"], call["path"].rpartition("/")[2]) for call in log if "access_token" not in call["path"]]


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_the_record_is_sent_once(
    clean: LocalWorld,
    couchdb: CouchDBHook,
    account_id: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    right = asked(clean, couchdb, account_id)
    calls(clean)
    assert send(account_id) == {"asked": 1, "sent": 1, "files": 1}
    assert calls(clean) == [("POST", "droits_acces"), ("PUT", "preuves")]
    (file,) = clean.control.proofs(right)
    assert (file["name"], file["type"]) == ("preuve-1.pdf", "application/pdf")
    said = text_of(file["content"])
    for each in (NAME, EMAIL, PHONE, POSTCODE, meter_of(account_id), right, "J’accepte."):
        assert each in said
    noted = proof(clean, account_id, right)
    assert noted.state == "checking"
    assert noted.sent
    assert send(account_id) == {"asked": 0, "sent": 0, "files": 0}
    assert calls(clean) == [("POST", "droits_acces")], "GRDF is checking it"
    clean.control.change_consent(right, statut_controle_preuve="Preuve en attente")
    assert send(account_id)["sent"] == 0, "its list is a little late"
    log = "".join(capfd.readouterr()) + caplog.text
    tag = meter_tag(account_id, meter_of(account_id))
    assert f"Account {account_id}: the proof of the consent for meter {tag} is with GRDF, in 1 file(s)." in log
    for each in (NAME, "Durand", EMAIL, PHONE, POSTCODE, meter_of(account_id), "J’accepte"):
        assert each not in log


def test_own_files_go_first_and_are_removed(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging
) -> None:
    right = asked(clean, couchdb, account_id)
    for content in (GOOD["image/jpeg"], GOOD["application/pdf"]):
        staging.proofs(account_id).put(checked(content))
    assert send(account_id)["files"] == 3
    first, second, third = clean.control.proofs(right)
    assert [first["content"], second["content"]] == [GOOD["image/jpeg"], GOOD["application/pdf"]]
    assert [each["name"] for each in (first, second, third)] == ["preuve-1.jpg", "preuve-2.pdf", "preuve-3.pdf"]
    assert NAME in text_of(third["content"])
    assert staging.count(account_id) == 0

    clean.control.decide_proof(right, accept=False)
    check()
    assert send(account_id)["sent"] == 0, "the record was refused: it is not sent again"
    for _ in range(3):
        staging.proofs(account_id).put(checked(GOOD["image/png"]))
    assert send(account_id) == {"asked": 0, "sent": 1, "files": 3}
    assert [each["type"] for each in clean.control.proofs(right)[3:]] == ["image/png"] * 3, "as many as GRDF takes"
    check()
    assert not document(clean, account_id)["state"], "the refusal is over"


def test_the_record_of_another_person_is_not_sent(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    right = asked(clean, couchdb, account_id)
    other = Declaration(pce=meter_of(account_id), name="Petit-Invente", email="p@example.org", postcode=POSTCODE)
    given = datetime.now(UTC) - timedelta(minutes=2)
    ConsentRecords(couchdb).add(new_record(account_id, other, given, by=HOUSEHOLD))  # the newest one
    clean.control.change_consent(right, courriel_titulaire="somebody@example.org")
    with pytest.raises(ProofNotSent, match="for whom GRDF lists the right now"):
        send(account_id)
    clean.control.change_consent(right, courriel_titulaire=EMAIL)
    assert send(account_id)["sent"] == 1
    (file,) = clean.control.proofs(right)
    assert EMAIL in text_of(file["content"])


def test_the_record_of_an_account_that_was_lost_proves_its_right(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    right = asked(clean, couchdb, account_id, record=False)
    given = Declaration(pce=meter_of(account_id), name=NAME, email=EMAIL, postcode=POSTCODE)
    then = datetime.now(UTC) - timedelta(minutes=5)
    ConsentRecords(couchdb).add(new_record("lost-account", given, then, by=HOUSEHOLD))
    assert send(account_id)["sent"] == 1
    (file,) = clean.control.proofs(right)
    assert EMAIL in text_of(file["content"])


def test_an_old_file_replaces_a_refused_proof(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging, tmp_path: Path
) -> None:
    right = asked(clean, couchdb, account_id)
    send(account_id)
    clean.control.decide_proof(right, accept=False)
    check()
    staging.proofs(account_id).put(checked(GOOD["image/png"]))
    (file,) = (tmp_path / "staging/proofs" / account_id).iterdir()
    os.utime(file, (1.6e9, 1.6e9))  # copied with the time it was scanned at
    assert send()["files"] == 2
    assert staging.count(account_id) == 0


def test_what_grdf_refuses_for_one_account_does_not_stop_the_others(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    number = int(account_id[-5:])
    names = [f"proof-{at}-{50_000 + number * 5 + at:05}" for at in range(5)]
    rights = [asked(clean, couchdb, name) for name in names]
    check()
    for right in rights[:2]:
        clean.control.fault(f"/droit_acces/{right}/preuves$", method="PUT", status=403)
    with pytest.raises(CredentialsRefused, match=names[0]):
        send()
    said = "".join(capfd.readouterr())
    assert all(f"Account {name}: GRDF" in said for name in names[:2]), "the log says all"
    assert [len(clean.control.proofs(right)) for right in rights] == [0, 0, 1, 1, 1]
    assert send()["sent"] == 2


def test_a_wrong_file_keeps_all_of_them(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging, tmp_path: Path
) -> None:
    right = asked(clean, couchdb, account_id)
    staging.proofs(account_id).put(checked(GOOD["image/png"]))
    (tmp_path / "staging/proofs" / account_id / "zz Durand.pdf").write_bytes(b"no file of theirs")
    with pytest.raises(ProofNotSent, match=rf"Account {account_id}: file 2 of 2 .* is neither a PDF") as refused:
        send(account_id)
    assert "Durand" not in str(refused.value)
    assert clean.control.proofs(right) == []
    assert staging.count(account_id) == 2


def test_all_that_wait_and_who_cannot(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging
) -> None:
    other, without = other_of(account_id), f"without-{account_id[-5:]}"
    first = asked(clean, couchdb, account_id)
    pce = f"099999991{account_id[-5:]}"
    second = brought(clean, couchdb, other, pce)
    clean.control.ask_proof(second, clean.control.today())
    staging.proofs(other).put(checked(GOOD["application/pdf"]))
    third = brought(clean, couchdb, without, f"099999992{account_id[-5:]}")
    clean.control.ask_proof(third, clean.control.today())
    check()
    clean.book.save({"_id": f"odd-{account_id[-5:]}", "account_type": "grdfgrandlyon", "oauth": 7, "proofs": [1]})
    with pytest.raises(ProofNotSent) as told:
        send()
    assert len(clean.control.proofs(first)) == 1
    assert [each["content"] for each in clean.control.proofs(second)] == [GOOD["application/pdf"]], "it has no record"
    assert clean.control.proofs(third) == []
    assert f"Account {without}: GRDF asks for the proof of the consent for meter" in str(told.value)
    assert "neither a file of your own nor a record of the consent of the person" in str(told.value)
    assert account_id not in str(told.value)
    clean.control.ask_proof(third, None)
    assert send()["sent"] == 0


def test_a_lost_answer_sends_nothing_twice(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging
) -> None:
    right = asked(clean, couchdb, account_id)
    staging.proofs(account_id).put(checked(GOOD["image/png"]))
    clean.control.fault("/preuves$", method="PUT", status=504, after=True)
    with pytest.raises(ServiceUnavailable, match="HTTP 504"):
        send(account_id)
    assert staging.count(account_id) == 1
    assert proof(clean, account_id, right).is_due, "as far as we know"
    assert send(account_id, try_number=2)["sent"] == 0
    assert len(clean.control.proofs(right)) == 2, "GRDF had taken them"
    assert proof(clean, account_id, right).state == "checking"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, ProofNotSent), (404, ProofNotSent), (403, CredentialsRefused), (503, ServiceUnavailable)]
)
def test_what_grdf_answers_names_nobody(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging, status: int, kind: type[Exception]
) -> None:
    asked(clean, couchdb, account_id)
    staging.proofs(account_id).put(checked(GOOD["image/png"]))
    body = {"code_statut_traitement": "1000000099", "message_retour_traitement": f"Preuve de {NAME} illisible"}
    clean.control.fault("/preuves$", method="PUT", status=status, body=body)
    with pytest.raises(kind) as told:
        send(account_id)
    assert "1000000099" in str(told.value)
    assert "Durand" not in str(told.value)
    assert staging.count(account_id) == 1, "they stay for the next try"
    assert not document(clean, account_id).get("state"), "the household has nothing to do with it"


def test_what_cannot_be_asked_for(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    for name in (account_id, "../other"):
        with pytest.raises(BadAccount, match=f"{name}: there is no such account"):
            send(name)
    right = asked(clean, couchdb, account_id)
    clean.book.save(with_leaving(document(clean, account_id), by="b", since=datetime.now(UTC)))
    calls(clean)
    with pytest.raises(AccountLeaving):
        send(account_id)
    assert calls(clean) == []
    send()
    assert clean.control.proofs(right) == []


def test_a_strangers_right_on_the_meter_gets_no_proof(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    own = asked(clean, couchdb, account_id)
    clean.control.ask_proof(own, None)
    (stranger,) = clean.control.consent([meter_of(account_id)], keep_others=True)
    clean.control.ask_proof(stranger["id_droit_acces"], clean.control.today())
    assert send(account_id)["asked"] == 0
    send()
    assert clean.control.proofs(stranger["id_droit_acces"]) == []


def test_two_meters_of_one_account(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    right = asked(clean, couchdb, account_id)
    (more,) = clean.control.consent([f"099999993{account_id[-5:]}"])
    stored = document(clean, account_id)
    stored["oauth_callback_results"]["consents"].append(
        {"pce": more["id_pce"], "id_accreditation": more["id_droit_acces"]}
    )
    clean.book.save(stored)
    take_in(couchdb, account_id)
    clean.control.ask_proof(more["id_droit_acces"], clean.control.today())
    with pytest.raises(ProofNotSent, match="neither a file of your own"):
        send(account_id)
    assert len(clean.control.proofs(right)) == 1, "the other meter's record does not keep it waiting"
    assert clean.control.proofs(more["id_droit_acces"]) == [], "nobody's record proves another meter's consent"
