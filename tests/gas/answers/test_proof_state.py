"""GRDF's words about the proof of a consent, in any spelling."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.access_rights import read_rights
from include.gas.answers.proof_state import ACCEPTED, ASKED, CHECKING, REFUSED, UNKNOWN, proof_deadline, proof_state
from include.sandbox.adict.access.rights import PROOFS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (None, ""), ("", ""),
        ("Preuve en attente", "asked"), ("PREUVE EN ATTENTE", "asked"), ("preuve  en\tattente ", "asked"),
        ("Preuve en cours de vérification", "checking"), ("Preuve Vérifiée OK", "accepted"),
        ("preuve verifiee ok", "accepted"), ("PREUVE VE\u0301RIFIE\u0301E KO", "refused"),
        ("Preuve vérifiée", "unknown"), ("Autre chose", "unknown"),
        (True, "unknown"), (7, "unknown"), ([], "unknown"),
    ],
)  # fmt: skip
def test_words(said: Any, state: str) -> None:
    assert proof_state(said) == state


def test_every_word_of_grdf_is_known() -> None:
    assert [proof_state(word) for word in PROOFS] == ["asked", "checking", "accepted", "refused"]


@pytest.mark.parametrize("said", ["2026-07-31", "2026-07-31 23:59:59", "2026-07-31T00:00:00+02:00", "31/07/2026"])
def test_deadlines(said: str) -> None:
    assert proof_deadline(said) == date(2026, 7, 31)


@given(state=JSON, until=JSON | st.from_regex(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"))
def test_any_json_is_read(state: Any, until: Any) -> None:
    assert proof_state(state) in ("", ASKED, CHECKING, ACCEPTED, REFUSED, UNKNOWN)
    proof_deadline(until)


def test_in_a_line_of_the_list() -> None:
    (right,) = read_rights(
        '{"id_droit_acces": "u-1", "id_pce": "09999999900001", "etat_droit_acces": "Active",'
        ' "statut_controle_preuve": "preuve en ATTENTE", "date_limite_transmission_preuve": "2026-07-31"}',
        account=None,
    ).rights
    assert (right.proof, right.proof_until) == ("asked", date(2026, 7, 31))
