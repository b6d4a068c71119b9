"""Whether a right that is listed late is of the household for which an account has sent a declaration."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.sent_declarations import SentDeclarations, sending
from include.gas.answers.access_rights import AccessRight
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from include.gas.rights.declared_right import was_made_by
from include.gas.rights.whose_right import are_of_one, is_of_household

PCE, OTHER, ADDRESS = "09999999900417", "09999999900418", "agency@invented.example"
SENT_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = date(2026, 3, 20)


def listed(name: str | None, made: str = "2026-03-01", **more: Any) -> AccessRight:
    line = {"id_pce": PCE, "id_droit_acces": "r", "courriel_titulaire": ADDRESS, "date_creation": made}
    right = AccessRight.from_line(line | {"nom_titulaire": name, "etat_droit_acces": "Active"} | more)
    assert right
    return right


def entered(name: str, address: str = ADDRESS) -> Declaration:
    return Declaration(pce=PCE, name=name, email=address)


@pytest.mark.parametrize(
    ("sent", "named", "is_its"),
    [
        ("Martin", "Martin", True),
        ("Martin", "Marie MARTIN", True),
        ("Martin", "Martin Marie", True),
        ("de la Tour", "Jean de la Tour", True),
        ("Durand-Petit", "DURAND PETIT", True),
        ("Durand Petit", "Jean Durand-Petit", True),
        ("d'Arc", "Jeanne d'Arc", True),
        ("Martin", "Martinez", False),
        ("Martin", "Petit", False),
        ("Marie Martin", "Martin", False),
        ("Martin", " ".join(["Petit"] * 2000), False),
        ("Martin", None, True),
    ],
)
def test_the_name_must_fit_where_there_is_one(sent: str, named: str | None, *, is_its: bool) -> None:
    assert is_of_household(listed(named), [sending(entered(sent), SENT_AT)], [], TODAY) is is_its


@pytest.mark.parametrize(
    ("recorded", "address", "is_its"),
    [("Marie Martin", ADDRESS, True), ("Petit", ADDRESS, False), ("Marie Martin", "m@invented.example", False)],
)
def test_a_record_of_what_was_sent_may_tell(recorded: str, address: str, *, is_its: bool) -> None:
    record = new_record("a", entered(recorded, address), SENT_AT, by=HOUSEHOLD)
    sent = sending(entered("Marie Martin"), SENT_AT)
    assert is_of_household(listed("Martin"), [sent], [record], TODAY) is is_its


def test_without_a_name_that_was_noted_the_address_decides() -> None:
    noted = sending(entered("Martin"), SENT_AT)
    sent = SentDeclarations(noted.pce, noted.at, noted.email, "")
    assert is_of_household(listed("Petit"), [sent], [], TODAY)


@pytest.mark.parametrize(
    ("made", "today", "is_made_by"),
    [
        ("2026-03-01", None, True),
        ("2026-04-30", None, True),
        ("2026-05-01", None, False),
        ("9999-12-31", None, False),
        ("2026-04-20", SENT_AT.date() + timedelta(days=60), True),
        ("2026-04-20", SENT_AT.date() + timedelta(days=61), False),
        ("2026-03-02", SENT_AT.date() + timedelta(days=61), True),
    ],
)
def test_a_right_that_was_made_long_afterwards_is_somebody_elses(
    made: str, today: date | None, *, is_made_by: bool
) -> None:
    assert was_made_by(listed("Martin", made), sending(entered("Martin"), SENT_AT), today) is is_made_by


def of(name: str | None, address: str | None = ADDRESS, pce: str = PCE) -> AccessRight:
    return listed(name, id_pce=pce, courriel_titulaire=address)


@pytest.mark.parametrize(
    ("rights", "are"),
    [
        ([], True),
        ([of("Martin")], True),
        ([of("Martin"), of("Marie Martin", "new@invented.example")], True),
        ([of("Martin"), of("Petit")], False),
        ([of("Martin"), of("Martin"), of("Petit")], False),
        ([of("Martin"), of(None)], True),
        ([of(None), of("Martin")], True),
        ([of("Petit"), of(None)], False),
        ([of("Petit"), of(None, pce=OTHER)], True),
        ([of("Petit"), of(None, "p@invented.example", OTHER)], False),
        ([of(None), of(None, pce=OTHER)], True),
        ([of("Martin", None), of("Martin", pce=OTHER)], True),
        ([of("Martin", None), of(None, None)], False),
    ],
)
def test_whether_rights_are_of_one_household(rights: list[AccessRight], *, are: bool) -> None:
    """The account has sent a declaration for Martin."""
    assert are_of_one(rights, [sending(entered("Martin"), SENT_AT)]) is are
