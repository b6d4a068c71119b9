"""Sections of the account document accept any JSON, and writing one keeps what others have noted."""

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

from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.client import DEFAULT, bound, client_if_known
from include.gas.account.declaration import (
    Declaration,
    is_refused,
    names_person,
    refusal_of,
    to_send_again,
    with_entered,
    with_refused,
    without_old_person,
    without_person,
)
from include.gas.account.grant import Grant, with_id_token, without_grant
from include.gas.account.marks import Connected, leaving, with_leaving, without_leaving
from include.gas.account.section import read
from include.gas.account.state import with_state
from include.gas.account.status import Billing, Reading, Status, with_meters
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Held

PCE, OTHER = "09900000000017", "GI000042"
NOW, DAY = datetime(2024, 4, 2, 9, tzinfo=UTC), date(2024, 3, 1)
READING = Reading({"2024": StoredYear(DAY, date(2024, 3, 9), provisional=1)}, DAY, DAY, ("u-1",))
HELD_METER = Held(pce=PCE, word="active", is_open=True, right="u-1", own=("u-0", "u-1"))
Read = Callable[[Mapping[str, Any]], object]
Write = Callable[[Mapping[str, Any]], dict[str, Any]]
SECTIONS: dict[str, tuple[Read, tuple[Write, ...]]] = {
    "grdf_connection": (client_if_known, (lambda d: bound(d, "grdf_south"), lambda d: bound(d, DEFAULT))),
    "status": (
        lambda d: (
            Status.held(d), Status.reading(d, PCE).last_whole(HELD_METER, DAY), Status.reading(d, PCE).by_year(),
            Status.billing_of(d, PCE).frequency,
        ),
        (
            lambda d: Status.with_held(d, [HELD_METER]), lambda d: Status.with_held(d, []),
            lambda d: Status.with_reading(d, PCE, READING), lambda d: Status.with_reading(d, PCE, Reading()),
            lambda d: Status.with_billing(d, PCE, Billing("2024-04-02T09:00:00Z", ("u-1",))),
        ),
    ),
    "leaving": (leaving, (lambda d: with_leaving(d, by="b", since=NOW), without_leaving)),
    "connected": (Connected.moment, (Connected("x", "b").noted,)),
    "declaration": (
        lambda d: (Declaration.of(d), names_person(d), is_refused(d), refusal_of(d)),
        (
            lambda d: with_refused(d, "x", NOW, "1"), lambda d: to_send_again(d, NOW), without_person,
            lambda d: without_old_person(d, NOW), lambda d: with_entered(d, NOW),
        ),
    ),
}  # fmt: skip
"""What reads and what writes some keys of the account document, of each shape that a section may have."""
WORDS = (
    "2024", "2023", "days", "first", "last", "meters", "readings", "years", "whole_at", "since", "under", "u-1",
    "billing", "frequency", "contract", "read_at", "until", PCE,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("\ud800")
    | st.sampled_from([PCE, "2024-03-01", "2024-03-01/2024-03-02", "2024-03-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, OTHER]), inner),
    max_leaves=12,
)  # fmt: skip
VALUES = JSON | st.fixed_dictionaries({PCE: JSON, OTHER: JSON})
ACCOUNTS = st.dictionaries(st.text(max_size=4), JSON, max_size=2)


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # NaN is not equal to itself


@pytest.mark.parametrize("key", SECTIONS)
@given(data=st.data())
def test_any_json_is_read_and_writing_keeps_what_others_have_noted(key: str, data: st.DataObject) -> None:
    document = data.draw(ACCOUNTS) | {"_id": "a", key: data.draw(VALUES)}
    before, (reading, writes) = copy.deepcopy(document), SECTIONS[key]
    reading(document)
    for write in writes:
        changed = write(document)
        assert same(document, before), "the argument is left as it was"
        assert same(write(changed), changed), "the same again changes nothing"
        assert all(same(changed[other], before[other]) for other in document.keys() - {key})


PARTS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "consents": st.lists(st.fixed_dictionaries({"pce": st.just(PCE)}, optional={"id_accreditation": JSON})),
        **dict.fromkeys(("pce_id", "id_token", "former_id_token", "nonce", "theirs"), JSON),
    },
)


@given(oauth=PARTS, results=PARTS, state=JSON, others=ACCOUNTS)
def test_whatever_the_grant_and_the_consents_are_an_account_is_read_or_refused(
    oauth: Any, results: Any, state: Any, others: dict[str, Any]
) -> None:
    given_ = {"_id": "a", "account_type": ACCOUNT_TYPE, "oauth": oauth, "oauth_callback_results": results}
    document = others | given_ | {"state": state}
    before = copy.deepcopy(document)
    for write in (
        lambda d: with_meters(d, [HELD_METER]),
        without_grant,
        lambda d: with_id_token(d, Grant("s3cr3t", nonce="n")),
        lambda d: with_state(d, "LOGIN_FAILED", "why", NOW, partial=True),
        lambda d: with_state(d, None),
    ):
        try:
            Account.from_document(document)
            changed = write(document)
        except BadAccount:
            continue
        assert same(document, before)
        if isinstance(results, dict) and "theirs" in results:
            assert same(changed["oauth_callback_results"]["theirs"], results["theirs"])


def test_what_was_read_of_a_meter_leaves_the_others_and_the_meters_as_they_are() -> None:
    kept = {"readings": {OTHER: {"mine": [1]}}, "meters": {PCE: {"word": "?"}}, "note": 1}
    changed = Status.with_reading({"status": kept}, PCE, READING)
    assert Status.reading(changed, PCE) == READING
    assert changed["status"]["readings"][OTHER] == {"mine": [1]}
    assert (changed["status"]["meters"], changed["status"]["note"]) == (kept["meters"], 1)
    assert Status.with_held(changed, [HELD_METER])["status"]["readings"] == changed["status"]["readings"]


def test_half_a_surrogate_pair_is_a_field_that_cannot_be_read() -> None:
    """Python's ``json`` reads one, and msgspec raises another exception for it than for any other value."""

    class Entry(msgspec.Struct):
        day: date | None = None
        name: str = ""

    assert read(Entry, {"day": "\ud800"}) is None
