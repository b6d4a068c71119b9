"""GRDF asks for proofs of consent, counts and weighs what is sent, and decides."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import listing

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
    assert set(answer.json()) == {"code_statut_traitement", "message_retour_traitement"}
    return answer


def proof_of(adict: Any, **filters: Any) -> tuple[Any, Any]:
    (line,) = listing(adict.call("POST", "/droits_acces", json={"id_pce": [PCE], **filters}))
    return line["statut_controle_preuve"], line["date_limite_transmission_preuve"]


def test_from_the_question_to_the_decision(adict: Any, right: str) -> None:
    assert proof_of(adict) == (None, None)
    adict.control.ask_proof(right, "2026-07-31")
    asked = ("Preuve en attente", "2026-07-31")
    assert proof_of(adict, statut_controle_preuve=["Preuve en attente"]) == asked
    assert send(adict, right, b"%PDF one", b"three").json()["code_statut_traitement"] == "0000000000"
    assert proof_of(adict)[0] == "Preuve en cours de vérification"
    kept = adict.control.proofs(right)
    assert [(each["call"], each["name"], each["type"], each["size"], each["content"]) for each in kept] == [
        (1, "0.pdf", "application/pdf", 8, b"%PDF one"),
        (1, "1.pdf", "application/pdf", 5, b"three"),
    ]
    assert adict.control.decide_proof(right, accept=False)["statut_controle_preuve"] == "Preuve Vérifiée KO"
    assert send(adict, right, b"%PDF better").status_code == 200
    assert [each["call"] for each in adict.control.proofs(right)] == [1, 1, 2]
    assert adict.control.decide_proof(right, accept=True)["statut_controle_preuve"] == "Preuve Vérifiée OK"
    adict.control.ask_proof(right, None)
    assert proof_of(adict) == (None, None)


@pytest.mark.parametrize(
    ("contents", "status"),
    [([b"x" * MEGABYTES] * 3, 200), ([b"x"] * 4, 400), ([b"x", b"x" * (MEGABYTES + 1)], 400), ([b""], 400)],
    ids=["most", "too many", "too large", "empty"],
)
def test_files_are_counted_and_weighed(adict: Any, right: str, contents: list[bytes], status: int) -> None:
    adict.control.ask_proof(right, "2026-07-31")
    assert send(adict, right, *contents).status_code == status
    assert (proof_of(adict)[0] == "Preuve en attente") == (status == 400)
    assert len(adict.control.proofs(right)) == (len(contents) if status == 200 else 0)


def test_which_rights_take_proofs(adict: Any, right: str) -> None:
    assert send(adict, str(uuid.uuid4()), b"x").status_code == 404
    assert send(adict, right, b"x", field="preuve").status_code == 400, "the field has another name"
    adict.control.revoke(right)
    assert send(adict, right, b"x").status_code == 409
