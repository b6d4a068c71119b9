"""GRDF asks for proofs of consent, counts and weighs what is sent, and decides."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.rights_clients import client as lowatt
from tests.sandbox.rights_clients import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

PCE = "09999990000931"
MEGABYTES = 4 * 1024 * 1024


@pytest.fixture
def right(adict: Any) -> Iterator[str]:
    """An active right of a meter."""
    yield adict.control.consent([PCE])[0]["id_droit_acces"]
    adict.control.drop_consents()


def send(adict: Any, right: str, *contents: bytes, field: str = "preuves") -> requests.Response:
    files = [(field, (f"{n}.pdf", content, "application/pdf")) for n, content in enumerate(contents)]
    answer: requests.Response = adict.call("PUT", f"/droit_acces/{right}/preuves", files=files)
    return answer


def proof_of(adict: Any, right: str) -> tuple[Any, Any]:
    lines = listing(adict.call("POST", "/droits_acces", json={"id_pce": [PCE]}))
    (line,) = [line for line in lines if line["id_droit_acces"] == right]
    return line["statut_controle_preuve"], line["date_limite_transmission_preuve"]


def test_from_the_question_to_the_decision(adict: Any, right: str) -> None:
    assert proof_of(adict, right) == (None, None)
    adict.control.ask_proof(right, "2026-07-31")
    assert proof_of(adict, right) == ("Preuve en attente", "2026-07-31")
    waiting = adict.call("POST", "/droits_acces", json={"statut_controle_preuve": ["Preuve en attente"]})
    assert [line["id_droit_acces"] for line in listing(waiting)] == [right]

    answer = send(adict, right, b"%PDF one", b"%PDF two", b"three")
    assert answer.status_code == 200
    assert answer.json()["code_statut_traitement"] == "0000000000"
    assert proof_of(adict, right)[0] == "Preuve en cours de vérification"
    kept = adict.control.proofs(right)
    assert [(each["call"], each["name"], each["type"], each["size"], each["content"]) for each in kept] == [
        (1, "0.pdf", "application/pdf", 8, b"%PDF one"),
        (1, "1.pdf", "application/pdf", 8, b"%PDF two"),
        (1, "2.pdf", "application/pdf", 5, b"three"),
    ]
    assert adict.control.decide_proof(right, accept=False)["statut_controle_preuve"] == "Preuve Vérifiée KO"
    assert send(adict, right, b"%PDF better").status_code == 200
    assert [each["call"] for each in adict.control.proofs(right)] == [1, 1, 1, 2]
    assert adict.control.decide_proof(right, accept=True)["statut_controle_preuve"] == "Preuve Vérifiée OK"
    adict.control.ask_proof(right, None)
    assert proof_of(adict, right) == (None, None)


@pytest.mark.parametrize(
    ("contents", "status"),
    [([b"x" * MEGABYTES] * 3, 200), ([b"x"] * 4, 400), ([b"x", b"x" * (MEGABYTES + 1)], 400), ([], 400), ([b""], 400)],
    ids=["most", "too many", "too large", "none", "empty"],
)
def test_files_are_counted_and_weighed(adict: Any, right: str, contents: list[bytes], status: int) -> None:
    adict.control.ask_proof(right, "2026-07-31")
    answer = send(adict, right, *contents)
    assert answer.status_code == status
    assert set(answer.json()) == {"code_statut_traitement", "message_retour_traitement"}
    assert (proof_of(adict, right)[0] == "Preuve en attente") == (status == 400)
    assert len(adict.control.proofs(right)) == (len(contents) if status == 200 else 0)


def test_which_rights_take_proofs(adict: Any, right: str) -> None:
    assert send(adict, str(uuid.uuid4()), b"x").status_code == 404
    assert send(adict, right, b"x", field="preuve").status_code == 400, "the field has another name"
    adict.control.revoke(right)
    refused = send(adict, right, b"x")
    assert refused.status_code == 409
    assert set(refused.json()) == {"code_statut_traitement", "message_retour_traitement"}


def test_lowatt_grdf_reports_a_right_whose_proof_is_due(
    adict: Any, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is what its command ``droits-acces --check`` does."""
    monkeypatch.setattr("lowatt_grdf.api.time.sleep", lambda _seconds: None)
    grdf = lowatt(adict)
    grdf.check_consent_validation([PCE])
    adict.control.ask_proof(right, "2026-07-31")
    with pytest.raises(RuntimeError, match="validation issues"):
        grdf.check_consent_validation([PCE])
    grdf.transmettre_preuves(right, (("preuve.pdf", b"%PDF"),))
    grdf.check_consent_validation([PCE])
    adict.control.decide_proof(right, accept=False)
    with pytest.raises(RuntimeError, match="validation issues"):
        grdf.check_consent_validation()
    adict.control.decide_proof(right, accept=True)
    grdf.check_consent_validation()
