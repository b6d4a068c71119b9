"""Whether a right's holder, as GRDF names it, may be one that somebody has entered."""

from __future__ import annotations

import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import AccessRight
from include.gas.rights.declared_right import may_be_of

ADDRESS = "m@invented.example"


@pytest.mark.parametrize(
    ("named", "entered", "may_be"),
    [
        ("Märtin", {"name": "MARTIN"}, True),
        ("Marie Martin", {"name": "martin"}, True),
        ("Martin", {"name": "Marie  Martin"}, True),
        ("de la Tour", {"name": "de la Roche"}, False),
        ("Marie Martin", {"name": "Marie Petit"}, False),
        ("SCI Martin", {"company": "sci martin"}, True),
        ("Petit", {"name": "Martin", "email": ADDRESS.upper()}, True),
        ("Petit", {"name": "Martin"}, False),
        ("", {"name": "Martin"}, True),
        ("—", {"name": "—"}, False),
    ],
)
def test_whose_a_right_may_be(named: str, entered: dict[str, str], may_be: bool) -> None:
    line = {"id_pce": "09999999900001", "id_droit_acces": "r", "nom_titulaire": named, "courriel_titulaire": ADDRESS}
    right = AccessRight.from_line(line)
    assert right
    assert may_be_of(right, Declaration(pce=right.pce, **entered)) is may_be


def test_two_without_an_address_do_not_have_the_same() -> None:
    right = AccessRight.from_line({"id_pce": "09999999900001", "id_droit_acces": "r", "nom_titulaire": "Petit"})
    assert right
    assert not may_be_of(right, Declaration(pce=right.pce, name="Martin"))
