"""Every section of the account document accepts any JSON without an exception, and keeps what others have noted."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account import sections
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.grant import IdToken, former_token, holds_tokens, with_id_token, without_grant
from include.gas.account.own_meters import with_consents, with_meters, without_old_token
from include.gas.account.sections.announcements import announced_by, unannounced, with_announced, with_unannounced
from include.gas.account.sections.client import DEFAULT, bound, client_if_known
from include.gas.account.sections.facts import MeterFacts, may_be_daily, with_meter_facts
from include.gas.account.sections.lost_days import lost_years, reads_again, with_history_read_again, with_lost_days
from include.gas.account.sections.marks import Connected, TakenOver, leaving, with_leaving, without_leaving
from include.gas.account.sections.missing_days import awaited_from, known_gaps, with_gaps
from include.gas.account.sections.published_note import BookHeld, MonthlyFailed, PublishedNote, with_published
from include.gas.account.sections.rights.declaration import (
    Declaration,
    entered_again,
    is_refused,
    names_person,
    refusal_of,
    with_declared,
    with_entered,
    with_look,
    with_refused,
    without_old_person,
    without_refusal,
)
from include.gas.account.sections.rights.list_seen import (
    ConsentEnds,
    is_fresh,
    missed_before,
    seen_at,
    with_missed,
    with_seen,
)
from include.gas.account.sections.rights.lost_consents import (
    LostConsents,
    OthersRights,
    SharedMeters,
    given_back,
    handed_over,
    meters_lost,
    with_given_back,
)
from include.gas.account.sections.rights.proofs import Proof
from include.gas.account.sections.rights.proofs import with_sent as with_proof_sent
from include.gas.account.sections.rights.sent_declarations import (
    SentDeclarations,
    with_sent,
    without_attempt,
    without_forgotten,
    without_sent,
)
from include.gas.account.sections.section import Section, read, read_fields
from include.gas.account.sections.stored import is_told, told_meters, told_years, with_stored
from include.gas.account.sections.whole_history import history_read, history_since, with_history
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.contract import Contract
from include.gas.consents.consent import Consent
from include.gas.days.windows import Window
from include.gas.display.overview import overview
from include.gas.documents.billing.comparison import Comparison
from include.gas.documents.changes import Changes
from include.gas.documents.gaps import Gap
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadAccount
from include.gas.rights.proof_check import proof_message, with_listed
from tests.modules import import_all

PCE, OTHER = "09900000000017", "GI000042"
NOW, TODAY = datetime(2024, 4, 2, 9, tzinfo=UTC), date(2024, 4, 2)
DAY = date(2024, 3, 1)
HELD = {2024: StoredYear(3, DAY, date(2024, 3, 9), 1)}
CHANGES = Changes(counts=(("a", 1),))
CONSENT = Consent(PCE, "u-1", others=(Consent(PCE, "u-0"),))
COMPARED = Comparison(DAY, date(2024, 4, 1), 100, 20, 3, beyond_rounding=True)
GAPS = {2024: Gap(DAY, DAY, 0, 1, none_days=(Window(DAY, date(2024, 3, 2)),))}


def right_proved(state: str) -> AccessRight:
    return AccessRight("u-1", PCE, "", "active", proof=state, proof_until=DAY)


Read = Callable[[Mapping[str, Any]], object]
Write = Callable[[Mapping[str, Any]], dict[str, Any]]

SECTIONS: Mapping[str, tuple[list[Read], list[Write]]] = {
    "grdf_connection": ([client_if_known], [lambda d: bound(d, "grdf_south"), lambda d: bound(d, DEFAULT)]),
    "stored": (
        [lambda d: told_years(d, PCE), lambda d: is_told(d, PCE), told_meters],
        [lambda d: with_stored(d, PCE, (2024,), HELD), lambda d: with_stored(d, PCE, None, HELD)],
    ),
    "lost_days": (
        [lambda d: lost_years(d, PCE), lambda d: reads_again(d, PCE)],
        [lambda d: with_lost_days(d, PCE, HELD, {}, (2024,)), lambda d: with_history_read_again(d, PCE)],
    ),
    "gaps": (
        [lambda d: known_gaps(d, PCE), lambda d: awaited_from(d, PCE, TODAY)],
        [lambda d: with_gaps(d, PCE, (2024,), GAPS, NOW), lambda d: with_gaps(d, PCE, (2024,), {}, NOW)],
    ),
    "history": (
        [lambda d: history_read(d, CONSENT, NOW), lambda d: history_since(d, PCE)],
        [lambda d: with_history(d, CONSENT, DAY, NOW)],
    ),
    "meter_facts": (
        [lambda d: MeterFacts.of(d, PCE), lambda d: may_be_daily(d, PCE)],
        [
            lambda d: with_meter_facts(d, CONSENT, read_at=NOW, contract=None, frequency="6M", refused={}),
            lambda d: with_meter_facts(
                d, CONSENT, read_at=NOW, contract=Contract("T1"), frequency=None, refused={"a": "b"}
            ),
        ],
    ),
    "published": (
        [lambda d: PublishedNote.of(d, PCE)],
        [
            lambda d: with_published(d, CONSENT, read_at=NOW, periods=(), compared=(COMPARED,)),
            lambda d: PublishedNote.put(d, PCE, None),
        ],
    ),
    "monthly_failed_at": ([MonthlyFailed.of], [lambda d: MonthlyFailed.noted(d, "x")]),
    "book_held_at": ([BookHeld.of], [lambda d: BookHeld.noted(d, None)]),
    "consents_lost": (
        [meters_lost, handed_over, LostConsents.of],
        [lambda d: LostConsents.noted(d, [PCE]), lambda d: LostConsents.noted(d, [])],
    ),
    "meters_shared": ([SharedMeters.of], [lambda d: SharedMeters.noted(d, [PCE])]),
    "consents_of_others": ([OthersRights.of, handed_over], [lambda d: OthersRights.noted(d, {PCE: None})]),
    "given_back": ([given_back], [lambda d: with_given_back(d, {PCE: "x"})]),
    "consents_seen": (
        [lambda d: seen_at(d, ""), lambda d: is_fresh(seen_at(d, ""), NOW)],
        [lambda d: with_seen(d, ""), lambda d: with_seen(d, None)],
    ),
    "consents_missed": (
        [lambda d: missed_before(d, TODAY)],
        [lambda d: with_missed(d, TODAY), lambda d: with_missed(d, None)],
    ),
    "consent_ends": ([ConsentEnds.of], [lambda d: ConsentEnds.noted(d, "2024-05-01")]),
    "unannounced": ([unannounced], [lambda d: with_unannounced(d, Changes())]),
    "announced": (
        [lambda d: announced_by(d, "run")],
        [lambda d: with_announced(d, CHANGES, "run")],
    ),
    "leaving": (
        [leaving],
        [lambda d: with_leaving(d, run="r", by="b", since=NOW), without_leaving],
    ),
    "connected": ([Connected.moment], [Connected("x", "b").noted]),
    "declaration": (
        [
            Declaration.of,
            names_person,
            is_refused,
            refusal_of,
            lambda d: d.get("declaration") and Declaration().is_new(NOW),
        ],
        [
            lambda d: with_refused(d, "x", NOW),
            without_refusal,
            lambda d: without_old_person(d, NOW),
            lambda d: with_entered(d, NOW),
            lambda d: entered_again(d, NOW),
            lambda d: with_look(d, NOW, waits=True),
            lambda d: with_declared(d, PCE, NOW, waits=True),
        ],
    ),
    "declarations_sent": (
        [SentDeclarations.of, lambda d: [each.is_for("a", "b") for each in SentDeclarations.of(d)]],
        [
            lambda d: with_sent(d, Declaration(), NOW),
            lambda d: without_sent(d, SentDeclarations.of(d), NOW),
            lambda d: without_attempt(d, NOW),
            lambda d: without_forgotten(d, (), TODAY),
        ],
    ),
    "proofs": (
        [Proof.all_of, overview, lambda d: [proof_message("a", each, TODAY) for each in Proof.all_of(d).values()]],
        [
            lambda d: with_listed(d, [CONSENT], [right_proved("asked")], NOW),
            lambda d: with_listed(d, [CONSENT], [right_proved("")], NOW),
            lambda d: with_proof_sent(d, "u-1", PCE, NOW),
        ],
    ),
    "taken_over": ([], [lambda d: TakenOver.added(d, [])]),
}
"""What reads and what writes each key of the account document."""

TOGETHER = {"announced": ("unannounced",)}
"""Sections that are written together."""

SPLIT_BY_METER = {"stored", "lost_days", "gaps", "history", "meter_facts", "published"}

WORDS = (
    "2024", "2023", "days", "first", "last", "read_again", "years", "awaited", "none", "none_days", "once", "since",
    "at", "run", "by", "from", "read_at", "under", "id_accreditation", "made", "counts", "u-1", "pce", "state", "until",
    "asked", "sent",
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("\ud800")
    | st.sampled_from([PCE, "2024-03-01", "2024-03-01/2024-03-02", "0001-01-01/9999-12-31", "2024-03-01T00:00:00Z"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.sampled_from([PCE, OTHER]) | st.text(max_size=2), inner)
    ),
    max_leaves=12,
)
VALUES = JSON | st.fixed_dictionaries({PCE: JSON, OTHER: JSON})
ACCOUNTS = st.dictionaries(st.text(max_size=4), JSON, max_size=2)


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # NaN is not equal to itself


def test_half_a_character_is_read_as_any_other() -> None:
    sent = with_sent({"_id": "a"}, Declaration(pce="\ud800", name="\ud800"), NOW)
    assert [each.is_for("\ud800", "") for each in SentDeclarations.of(sent)] == [True]
    assert proof_message("a", Proof("\ud800", "asked"), TODAY)


@pytest.mark.parametrize("key", SECTIONS)
@given(data=st.data())
def test_any_json_is_read(key: str, data: st.DataObject) -> None:
    document = data.draw(ACCOUNTS) | {"_id": "a", key: data.draw(VALUES)}
    for reading in SECTIONS[key][0]:
        reading(document)


@pytest.mark.parametrize("key", SECTIONS)
@given(data=st.data())
def test_writing_a_section_keeps_what_others_have_noted_and_changes_nothing_in_place(
    key: str, data: st.DataObject
) -> None:
    document = data.draw(ACCOUNTS) | {"_id": "a", key: data.draw(VALUES)}
    before = copy.deepcopy(document)
    for write in SECTIONS[key][1]:
        changed = write(document)
        assert same(document, before)
        for other in document.keys() - {key, *TOGETHER.get(key, ())}:
            assert same(changed[other], before[other])
        value, former = changed.get(key), before[key]
        if key in SPLIT_BY_METER and isinstance(former, dict) and OTHER in former:
            assert isinstance(value, dict)
            assert same(value[OTHER], former[OTHER])


@pytest.mark.parametrize("key", SECTIONS)
@given(data=st.data())
def test_writing_the_same_again_changes_nothing(key: str, data: st.DataObject) -> None:
    document = {"_id": "a", key: data.draw(VALUES)}
    for write in SECTIONS[key][1]:
        once = write(document)
        assert same(write(once), once)


PARTS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "consents": st.lists(st.fixed_dictionaries({"pce": st.just(PCE)}, optional={"others": JSON, "seen": JSON}))
        | JSON,
        "pce_id": st.just(OTHER) | JSON,
        "id_token": JSON,
        "former_id_token": JSON,
        "nonce": JSON,
        "theirs": JSON,
    },
)


@given(oauth=PARTS, results=PARTS, state=JSON, others=ACCOUNTS)
def test_whatever_the_grant_and_the_consents_are_an_account_is_read_or_refused(
    oauth: Any, results: Any, state: Any, others: dict[str, Any]
) -> None:
    document = others | {
        "_id": "a", "account_type": ACCOUNT_TYPE, "oauth": oauth, "oauth_callback_results": results, "state": state,
    }  # fmt: skip
    before = copy.deepcopy(document)
    for write in (
        lambda d: with_meters(d, [CONSENT], NOW),
        lambda d: with_consents(d, [CONSENT]),
        lambda d: without_old_token(d, TODAY),
        lambda d: without_grant(d, token=True),
        lambda d: with_id_token(d, IdToken("s3cr3t", "n")),
        lambda d: with_state(d, "LOGIN_FAILED", "why", NOW, partial=True),
        lambda d: with_state(d, None),
    ):
        try:
            Account.from_document(document)
            changed = write(document)
        except BadAccount:
            continue
        assert same(document, before)
        for key, value in others.items():
            assert key in ("_id", "account_type", *STATE) or same(changed[key], value)
        if isinstance(results, dict) and "theirs" in results:
            assert same(changed["oauth_callback_results"]["theirs"], results["theirs"])
    former_token(document)
    holds_tokens(document)


STATE = ("state", "state_message", "state_since", "state_partial", "state_proof")


def test_every_section_is_tested_here() -> None:
    import_all(sections)

    def all_below(kind: type) -> set[str]:
        return {kind.key} | {key for each in kind.__subclasses__() for key in all_below(each)}  # type: ignore[attr-defined]

    assert all_below(Section) - {""} <= SECTIONS.keys()


def test_years_of_other_people_stay() -> None:
    odd = {"2022": {"days": "?"}, "note": [1], "2024": {"days": 1, "mine": 2}}
    assert with_stored({"stored": {PCE: odd}}, PCE, (2024,), {})["stored"][PCE] == {"2022": {"days": "?"}, "note": [1]}
    assert with_gaps({"gaps": {PCE: odd}}, PCE, (2024,), {}, NOW)["gaps"][PCE] == {"2022": {"days": "?"}, "note": [1]}
    assert told_years(
        {"stored": {PCE: {**odd, "2023": {"days": 2, "first": "2023-01-01", "last": "2023-01-02"}}}}, PCE
    ) == {2023: StoredYear(2, date(2023, 1, 1), date(2023, 1, 2))}, "a wrong entry beside a good one loses only itself"


def test_a_year_keeps_the_moment_at_which_its_missing_days_were_noticed() -> None:
    once = with_gaps({}, PCE, (2024,), GAPS, datetime(2024, 1, 1, tzinfo=UTC))
    assert with_gaps(once, PCE, (2024,), GAPS, NOW) == once


def test_half_a_surrogate_pair_is_a_field_that_cannot_be_read() -> None:
    """Python's ``json`` reads one, and msgspec raises another exception for it than for any other value."""

    class Entry(msgspec.Struct):
        day: date | None = None
        name: str = ""

    assert read(Entry, {"day": "\ud800"}) is None
    assert read_fields(Entry, {"day": "\ud800", "name": "x"}) == Entry(None, "x")
