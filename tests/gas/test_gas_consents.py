"""Consents: the meters in an id_token, and the rights that GRDF lists."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.consents import (
    AccessRight,
    Consent,
    Rights,
    consent_state,
    dated,
    is_pce,
    parse_claims,
    read_rights,
    usable_right,
)
from include.gas.errors import ConsentLost, IdTokenRefused, ServiceUnavailable

PCE, GI = "09900000000017", "GI000042"
TODAY = date(2024, 5, 1)
ENTRIES = [{"pce": PCE, "id_accreditation": "u-1"}, {"pce": GI, "id_accreditation": "u-2"}]


def right(**changes: Any) -> dict[str, Any]:
    return {
        "id_droit_acces": "u-1", "id_pce": PCE, "role_tiers": "AUTORISE_CONTRAT_FOURNITURE",
        "date_debut_droit_acces": "2024-04-02", "date_fin_droit_acces": "2027-04-02",
        "perim_donnees_conso_debut": "2021-01-01", "perim_donnees_conso_fin": "2027-04-02",
        "perim_donnees_contractuelles": "Vrai", "perim_donnees_techniques:": "Vrai",
        "perim_donnees_informatives": "Vrai", "perim_donnees_publiees": "Faux",
        "date_creation": "2024-04-02 08:41:00", "etat_droit_acces": "Active",
        "date_revocation": None, "source_revocation": None,
    } | changes  # fmt: skip


def rights(*lines: dict[str, Any]) -> list[AccessRight]:
    return list(read_rights("\n".join(map(json.dumps, lines)), account="a").rights)


@pytest.mark.parametrize("claim", [json.dumps(ENTRIES), ENTRIES])
def test_claims(claim: Any) -> None:
    assert parse_claims({"consentements": claim}, account="a") == (Consent(PCE, "u-1"), Consent(GI, "u-2"))


def test_one_meter_twice_counts_once_and_a_lone_object_is_a_list() -> None:
    assert parse_claims({"consentements": [*ENTRIES, {"pce": PCE, "id_accreditation": "u-9"}]})[0] == Consent(
        PCE, "u-9"
    )
    assert parse_claims({"consentements": json.dumps(ENTRIES[0])}) == (Consent(PCE, "u-1"),)


@pytest.mark.parametrize(
    "claim",
    [
        None, "", "[", "[]", "null", 7, [], [7], {}, [{"pce": "123", "id_accreditation": "u"}], [{"pce": PCE}],
        [{"pce": int(PCE), "id_accreditation": "u"}], [*ENTRIES, {}],
        [{"pce": PCE, "id_accreditation": " "}], "[" * 99_999,
    ],
)  # fmt: skip
def test_odd_claims_are_refused(claim: Any) -> None:
    with pytest.raises(
        IdTokenRefused, match=r"^Account a: the id_token is genuine but its .*`consentements`.* Nothing was"
    ):
        parse_claims({"consentements": claim}, account="a")


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=3)) | st.text(max_size=20))
def test_no_other_claim_is_believed(claim: Any) -> None:
    with pytest.raises(IdTokenRefused):
        parse_claims({"consentements": claim})


def test_meters() -> None:
    assert is_pce(PCE)
    assert is_pce(GI)
    assert not any(is_pce(odd) for odd in ("", PCE + "\n", PCE[1:], "gi000042", "GI00042", "０" * 14, None, 7))


def test_a_right() -> None:
    (found,) = rights(right())
    assert found == AccessRight(
        id="u-1", pce=PCE, role="autorise_contrat_fourniture", state="active",
        first=date(2024, 4, 2), last=date(2027, 4, 2), data_first=date(2021, 1, 1),
        data_end=date(2027, 4, 2), informative=True, published=False, contractual=True,
        technical=True, created=date(2024, 4, 2),
    )  # fmt: skip
    assert found.consent() == Consent(PCE, "u-1", date(2021, 1, 1), date(2027, 4, 2), date(2027, 4, 2))
    assert found.consent().until == date(2027, 4, 1), "the last gas day that it covers"
    assert found.stands


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Active", "active"), ("À valider", "waiting for the holder"), ("A VALIDER", "waiting for the holder"),
        ("Révoquée", "revoked"), ("revoque", "revoked"), ("A revérifier", "to be checked again by GRDF"),
        ("Obsolète", "obsolete"), ("Refusé", "refused"), ("Nouveau", "nouveau"), (None, ""),
    ],
)  # fmt: skip
def test_states_in_any_spelling(word: str | None, state: str) -> None:
    assert rights(right(etat_droit_acces=word))[0].state == state


REVOKED = right(
    id_droit_acces="u-0",
    etat_droit_acces="Révoquée",
    date_revocation="2023-10-05 18:02:11",
    source_revocation="TITULAIRE",
)


def test_of_several_rights_the_usable_one() -> None:
    found = rights(REVOKED, right(), right(id_droit_acces="u-2", date_fin_droit_acces="2026-01-01"), right(id_pce=GI))
    usable = usable_right(found, PCE, TODAY)
    assert usable is not None
    assert usable.id == "u-1"
    assert consent_state(found, PCE, TODAY) == "active until 2027-04-02"
    assert usable_right(found, "09900000000018", TODAY) is None


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (REVOKED, "revoked on 2023-10-05 by titulaire"),
        (right(etat_droit_acces="A valider"), "waiting for the holder"),
        (right(perim_donnees_informatives="Faux"), "active, but without daily (informative) data"),
        (right(date_fin_droit_acces="2024-04-30"), "ended on 2024-04-30"),
        (right(date_debut_droit_acces="2024-05-02"), "starts on 2024-05-02"),
        (right(role_tiers="AUTORISE_CONTRAT_INJECTION"), "active, but for another role"),
        (right(etat_droit_acces=None), "in an unknown state"),
        (right(id_pce=GI), "no consent is listed"),
    ],
)
def test_unusable_rights_say_why(line: dict[str, Any], state: str) -> None:
    assert usable_right(rights(line), PCE, TODAY) is None
    assert consent_state(rights(line), PCE, TODAY) == state


def test_the_last_day_is_included_and_a_holders_flags_may_be_null() -> None:
    assert usable_right(rights(right(date_fin_droit_acces="2024-05-01")), PCE, TODAY)
    holder = right(
        role_tiers="DETENTEUR_CONTRAT_FOURNITURE", perim_donnees_informatives=None, date_fin_droit_acces=None
    )
    assert consent_state(rights(holder), PCE, TODAY) == "active"


STATUS = {"code_statut_traitement": "0000000000", "message_retour_traitement": "opération réussie"}


def test_lists_in_both_shapes() -> None:
    lines = [right(), right(id_pce=GI), STATUS]
    for body in ("\n".join(map(json.dumps, lines)), json.dumps({"liste_acces": lines[:2], **STATUS})):
        assert [each.pce for each in read_rights(body, account=None).rights] == [PCE, GI]


@pytest.mark.parametrize(
    "body",
    [
        "", json.dumps(STATUS),
        '{"code_statut_traitement":"0000000000","message_retour_traitement":"aucun droit d\'accès"}',
        '{"code_statut_traitement":"1000000009","message_retour_traitement":"Aucun droit d\'accès trouvé"}',
    ],
)  # fmt: skip
def test_an_empty_list_is_no_error(body: str) -> None:
    assert read_rights(body, account="a") == Rights()


def test_refused_and_unreadable_lists() -> None:
    refused = read_rights('{"code_statut_traitement":"1000000004","message_retour_traitement":"x"}', account="a")
    assert isinstance(refused.problem, ConsentLost)
    assert str(refused.problem).startswith("Account a: ")
    assert isinstance(read_rights("<html>", account="a").problem, ServiceUnavailable)
    answer = read_rights(json.dumps(right()) + '{"id_droit_acces": "u-3"}{"id_pce', account="a")
    assert (len(answer.rights), answer.odd, answer.problem) == (1, 2, None)


@given(st.binary(max_size=80))
def test_any_list_is_read(body: bytes) -> None:
    read_rights(body, account="a")


def test_the_dates_of_its_right_are_put_into_a_consent() -> None:
    listed = rights(right(id_droit_acces="u-7"))
    reach = (date(2021, 1, 1), date(2027, 4, 2), date(2027, 4, 2))
    known, unknown = Consent(PCE, "u-1"), Consent(PCE, "")
    assert dated(known, listed, TODAY) == Consent(PCE, "u-1", *reach), "what the id_token named stays"
    assert dated(unknown, listed, TODAY) == Consent(PCE, "u-7", *reach), "the konnector did not note it"
    other = Consent(GI, "u-2", date(2024, 1, 1), None)
    assert dated(other, listed, TODAY) == other, "no right of this meter: GRDF says why when it is read"
