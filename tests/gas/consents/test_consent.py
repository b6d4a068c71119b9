"""Consents: the meters in an id_token, and the rights that GRDF lists."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account.own_meters import meters_in, with_meters
from include.gas.answers.access_rights import AccessRight, Rights, consent_state, read_rights, usable_right
from include.gas.consents.consent import Consent, parse_claims, told
from include.gas.consents.read_under import consent_of
from include.gas.days.windows import Window
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


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2024, 1, 5), date(2024, 1, 6)), (date(2024, 1, 31), date(2024, 6, 1)),
        (date(2024, 4, 1), date(2024, 6, 1)), (date(2024, 6, 1), date(2024, 6, 2)),
        (date(2026, 1, 1), None), (date.max, None),
    ],
)  # fmt: skip
def test_the_next_day_that_a_right_covers(day: date, following: date | None) -> None:
    former = Consent(PCE, "u-1", date(2024, 1, 1), date(2024, 2, 1))
    withdrawn = Consent(PCE, "u-0", date(2024, 1, 1), unusable="withdrawn")
    consent = Consent(PCE, "u-2", date(2024, 6, 1), date(2025, 1, 1), others=(former, withdrawn))
    assert consent.next_covered(day) == following


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


def test_a_right() -> None:
    (found,) = rights(right())
    assert found == AccessRight(
        id="u-1", pce=PCE, role="autorise_contrat_fourniture", state="active",
        first=date(2024, 4, 2), last=date(2027, 4, 2), data_first=date(2021, 1, 1),
        data_end=date(2027, 4, 2), informative=True, published=False, contractual=True,
        technical=True, created=date(2024, 4, 2),
    )  # fmt: skip
    assert Consent.of_right(found) == Consent(PCE, "u-1", date(2021, 1, 1), date(2027, 4, 2), date(2027, 4, 2))
    assert Consent.of_right(found).until == date(2027, 4, 1), "the last gas day that it covers"
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


NOW = datetime(2024, 5, 1, 6, tzinfo=UTC)


def test_the_list_tells_of_its_own_rights_alone() -> None:
    listed = rights(right(), right(id_droit_acces="u-7"))
    reach = (date(2021, 1, 1), date(2027, 4, 2), date(2027, 4, 2))
    assert told(Consent(PCE, "u-1"), listed, TODAY, NOW) == Consent(PCE, "u-1", *reach)
    gone = told(Consent(PCE, "u-2", date(2024, 1, 1)), listed, TODAY, NOW)
    assert gone == Consent(PCE, "u-2", date(2024, 1, 1), unusable="no consent is listed")
    assert told(Consent(PCE, None), listed, TODAY, NOW) == Consent(PCE, None), "it may be anybody's"
    lost = told(Consent(PCE, "u-0"), rights(REVOKED, right()), TODAY, NOW)
    assert lost.unusable == "revoked on 2023-10-05 by titulaire"
    assert lost.lost


def test_a_list_says_nothing_of_what_was_brought_after_it() -> None:
    newer = Consent(PCE, "u-9", brought="2024-05-01T06:00:01.000000Z")
    assert told(newer, rights(right()), TODAY, NOW) == newer
    older = replace(newer, brought="2024-05-01T05:59:00.000000Z")
    assert told(older, rights(right()), TODAY, NOW).lost


def test_an_older_list_does_not_take_back_what_a_newer_one_said() -> None:
    """The morning's list is minutes old when it is applied to an account that somebody else's first run has marked."""
    lost = told(Consent(PCE, "u-1"), rights(right(etat_droit_acces="Obsolète")), TODAY, NOW)
    assert lost.lost
    assert told(lost, rights(right()), TODAY, NOW - timedelta(minutes=5)) == lost
    assert not told(lost, rights(right()), TODAY, NOW + timedelta(minutes=5)).lost


def span(first: str | None, end: str | None, calls_until: str | None = None, **more: Any) -> Consent:
    days = (date.fromisoformat(text) if text else None for text in (first, end, calls_until))
    return Consent(PCE, more.pop("id", "u"), *days, **more)


YEAR = Window(date(2024, 1, 1), date(2025, 1, 1))


def windows(*days: str) -> tuple[Window, ...]:
    return tuple(
        Window(date.fromisoformat(a), date.fromisoformat(b)) for a, b in zip(days[::2], days[1::2], strict=True)
    )


def test_all_days_that_any_of_its_rights_covers() -> None:
    over, fresh = span("2023-01-01", "2024-03-01"), span("2024-06-01", None)
    both = replace(fresh, others=(over,))
    assert both.covered(YEAR, TODAY) == windows("2024-01-01", "2024-03-01", "2024-06-01", "2025-01-01")
    assert (both.opens, both.closes, both.until) == (date(2023, 1, 1), None, None)
    touching = replace(fresh, first=date(2024, 3, 1), others=(over,))
    assert touching.covered(YEAR, TODAY) == (YEAR,), "one call where one window suffices"
    lost = replace(both, unusable="revoked")
    assert lost.covered(YEAR, TODAY) == windows("2024-01-01", "2024-03-01")
    assert (lost.closes, lost.until, lost.lost) == (date(2024, 3, 1), date(2024, 2, 29), False)
    run_out = replace(both, others=(replace(over, calls_until=date(2024, 4, 30)),))
    assert run_out.covered(YEAR, TODAY) == windows("2024-06-01", "2025-01-01"), "nothing may be asked under it today"
    assert run_out.covered(YEAR) == both.covered(YEAR), "the days that were read under it are not missing"


def test_the_ids_of_its_rights() -> None:
    consent = replace(span(None, None, id="u-2"), others=(span(None, None, id="u-1", unusable="revoked"),))
    assert (consent.own, consent.ids) == ({"u-1", "u-2"}, ("u-2",))
    assert Consent(PCE).own == frozenset()
    assert Consent(PCE).ids == ()


some_days = st.none() | st.dates(date(2023, 6, 1), date(2025, 6, 1))
some_rights = st.builds(
    lambda first, end, until, unusable: Consent(PCE, "u", first, end, until, unusable=unusable),
    some_days, some_days, some_days, st.sampled_from(["", "revoked"]),
)  # fmt: skip


@given(st.lists(some_rights, min_size=1, max_size=4))
def test_the_days_covered_are_those_of_the_rights(mine: list[Consent]) -> None:
    consent = replace(mine[0], others=tuple(mine[1:]))
    in_force = [each for each in mine if not each.unusable and (each.calls_until is None or each.calls_until >= TODAY)]
    by_hand = {
        day for day in YEAR.days()
        if any((each.first or day) <= day and (each.end is None or day < each.end) for each in in_force)
    }  # fmt: skip
    found = consent.covered(YEAR, TODAY)
    assert [day for window in found for day in window.days()] == sorted(by_hand)
    assert all(one.end < other.first for one, other in itertools.pairwise(found))
    if by_hand:
        assert consent.opens is None or consent.opens <= min(by_hand)
        assert consent.closes is None or consent.closes > max(by_hand)


@pytest.mark.parametrize("state", ["waiting for the holder", "refused", "obsolete, without ever being in force"])
def test_a_right_that_was_never_in_force_holds_no_day(state: str) -> None:
    former = Consent(PCE, "u-0", date(2024, 3, 1), date(2024, 6, 1), unusable="revoked on 2024-06-01")
    asked = Consent(PCE, "u-1", date(2020, 1, 1), date(2027, 1, 1), unusable=state, others=(former,))
    assert asked.was_never_in_force
    assert not asked.holds(Window(date(2024, 2, 1), date(2024, 5, 1)))
    assert asked.holds(Window(date(2024, 3, 1), date(2024, 5, 1))), "what the former right covered"
    assert (asked.opens, asked.closes) == (former.first, former.end)
    assert not replace(former, unusable="").was_never_in_force


def test_a_right_that_no_list_has_shown_holds_no_day() -> None:
    former = Consent(PCE, "u-0", date(2024, 3, 1), unusable="revoked on 2024-06-01")
    missing = Consent(PCE, "u-1", unusable="no consent is listed", others=(former,))
    assert not missing.holds(Window(date(2024, 2, 1), date(2024, 5, 1)))
    assert not missing.was_never_in_force, "the list may be cut short"


@pytest.mark.parametrize(
    ("before", "word", "never"),
    [
        ("waiting for the holder", "Révoquée", True), ("waiting for the holder", "Obsolète", True),
        ("waiting for the holder", "Refusée", True), ("refused", "Révoquée", True),
        ("revoked on 2024-01-01, without ever being in force", "Révoquée", True),
        ("revoked on 2024-01-01, without ever being in force", "Active", False),
        ("waiting for the holder", "Active", False), ("waiting for the holder", "A revérifier", True),
        ("waiting for the holder", "En cours", True), ("waiting for the holder", "", True), ("", "A revérifier", False),
        ("", "Révoquée", False), ("", "Obsolète", False), ("ended on 2024-04-30", "Révoquée", False),
        ("no consent is listed", "Révoquée", False), ("", "Refusée", True),
    ],
)  # fmt: skip
def test_whether_a_right_was_ever_in_force_is_kept_once_it_is_over(before: str, word: str, never: bool) -> None:
    known = Consent(PCE, "u-1", unusable=before)
    for _ in range(2):
        known = told(known, rights(right(etat_droit_acces=word)), TODAY, "2024-05-01T06:00:00Z")
        assert known.was_never_in_force is never
        assert known.unusable.count("without ever") <= 1


def listed_as(known: Consent, *words: str | None) -> Consent:
    """Return a consent after lists that name its right in these states, or do not name it."""
    for word in words:
        lines = [] if word is None else [right(etat_droit_acces=word)]
        known = told(known, rights(*lines), TODAY, "2024-05-01T06:00:00Z")
    return known


WORDS = ["Active", "A valider", "Révoquée", "A revérifier", "Obsolète", "Refusée", "En cours", "", None]


@given(st.lists(st.sampled_from(WORDS), max_size=6), st.lists(st.sampled_from(WORDS), max_size=6), st.booleans())
def test_a_right_that_a_list_has_shown_in_force_stays_so(
    before: list[str | None], after: list[str | None], waits: bool
) -> None:
    known = listed_as(Consent(PCE, "u-1", unusable="waiting for the holder" if waits else ""), *before, "Active")
    stored = listed_as(known, *after)
    assert stored.was_in_force is True
    assert stored.holds(Window(date(2024, 1, 1), date(2024, 5, 1)))
    assert "without ever" not in stored.unusable


@given(st.lists(st.sampled_from([word for word in WORDS if word != "Active"]), max_size=6))
def test_a_declared_right_opens_nothing_until_a_list_shows_it_in_force(words: list[str | None]) -> None:
    """Whatever else the lists said of it in between."""
    stored = listed_as(Consent(PCE, "u-1", unusable="waiting for the holder"), *words)
    assert stored.was_never_in_force
    assert not stored.holds(Window(date(2024, 4, 1), date(2024, 5, 1)))


@given(st.lists(st.sampled_from(WORDS), max_size=6), st.booleans())
def test_what_is_known_of_it_is_stored(words: list[str | None], waits: bool) -> None:
    known = listed_as(Consent(PCE, "u-1", unusable="waiting for the holder" if waits else ""), *words)
    document = {"_id": "a", "oauth_callback_results": {"consents": [known.as_json()]}}
    (read,) = meters_in(document, "a")
    assert (read, read.was_in_force) == (known, known.was_in_force)
    under = consent_of(known.as_json())
    assert under
    assert under.was_in_force is known.was_in_force


def test_who_brings_a_refused_right_again_keeps_what_was_known() -> None:
    known = listed_as(Consent(PCE, "u-1"), "Active")
    document = {"_id": "a", "oauth_callback_results": {"consents": [known.as_json()]}}
    waits = Consent(PCE, "u-1", unusable="waiting for the holder")
    (again,) = meters_in(with_meters(document, [waits], NOW), "a")
    assert (again.was_in_force, again.unusable) == (True, waits.unusable)
