"""Sections of the account document accept any JSON, and writing one keeps what others have noted."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account import declaration as d
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.client import DEFAULT, client_or_empty, with_client
from include.gas.account.grant import Grant, with_id_token, without_grant
from include.gas.account.marks import ConnectedMark, leaving_asker, with_leaving, without_leaving
from include.gas.account.state import with_state
from include.gas.account.status import Billing, Reading, Status, with_meters
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import MeterAccess

PCE, OTHER = "09900000000017", "GI000042"
NOW, DAY = datetime(2024, 4, 2, 9, tzinfo=UTC), date(2024, 3, 1)
READING = Reading({"2024": StoredYear(DAY, date(2024, 3, 9), provisional=1)}, DAY, DAY, ("u-1",))
HELD = MeterAccess(pce=PCE, word="active", is_open=True, right="u-1", own=("u-0", "u-1"))
SECTIONS: dict[str, tuple[Any, Any]] = {
    "grdf_connection": (client_or_empty, [lambda doc, client=client: with_client(doc, client) for client in
                                          ("grdf_south", DEFAULT)]),
    "status": (
        lambda doc: (
            Status.access_of(doc), Status.reading_of(doc, PCE).last_whole(HELD, DAY),
            Status.reading_of(doc, PCE).by_year(), Status.billing_of(doc, PCE).frequency,
        ),
        (
            lambda doc: Status.with_access(doc, [HELD]), lambda doc: Status.with_access(doc, []),
            lambda doc: Status.with_reading(doc, PCE, READING), lambda doc: Status.with_reading(doc, PCE, Reading()),
            lambda doc: Status.with_billing(doc, PCE, Billing("2024-04-02T09:00:00Z", ("u-1",))),
        ),
    ),
    "leaving": (leaving_asker, (lambda doc: with_leaving(doc, by="b", since=NOW), without_leaving)),
    "connected": (ConnectedMark.read_moment, (ConnectedMark("x", "b").add_to,)),
    "declaration": (
        lambda doc: [read(doc) for read in (d.Declaration.from_document, d.has_personal_data, d.is_refused,
                                            d.refusal_text)],
        (
            lambda doc: d.with_refusal(doc, "x", NOW, "1"), lambda doc: d.with_resend(doc, NOW), d.without_person,
            lambda doc: d.without_expired_person(doc, NOW), lambda doc: d.with_entry_time(doc, NOW),
        ),
    ),
}  # fmt: skip
WORDS = (
    "2024", "2023", "days", "first", "last", "meters", "readings", "years", "whole_at", "since", "under", "u-1",
    "billing", "frequency", "contract", "read_at", "until", PCE, OTHER,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("\ud800")
    | st.sampled_from([PCE, "2024-03-01", "2024-03-01/2024-03-02", "2024-03-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
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


CONSENTS = st.lists(st.fixed_dictionaries({"pce": st.just(PCE)}, optional={"id_accreditation": JSON}))
KEYS = dict.fromkeys(("pce_id", "id_token", "former_id_token", "nonce", "theirs"), JSON)
PARTS = JSON | st.fixed_dictionaries({}, optional={"consents": CONSENTS, **KEYS})


@given(oauth=PARTS, results=PARTS, state=JSON, others=ACCOUNTS)
def test_whatever_the_grant_and_the_consents_are_an_account_is_read_or_refused(
    oauth: Any, results: Any, state: Any, others: dict[str, Any]
) -> None:
    ours = {"_id": "a", "account_type": ACCOUNT_TYPE, "oauth": oauth, "oauth_callback_results": results, "state": state}
    document = others | ours
    before = copy.deepcopy(document)
    for write in (
        lambda doc: with_meters(doc, [HELD]), without_grant, lambda doc: with_id_token(doc, Grant("s3cr3t", nonce="n")),
        lambda doc: with_state(doc, "LOGIN_FAILED", "why", NOW, partial=True), lambda doc: with_state(doc, None),
    ):  # fmt: skip
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
    assert Status.reading_of(changed, PCE) == READING
    assert changed["status"] | {"readings": {}} == kept | {"readings": {}}
    assert changed["status"]["readings"][OTHER] == {"mine": [1]}
    assert Status.with_access(changed, [HELD])["status"]["readings"] == changed["status"]["readings"]
