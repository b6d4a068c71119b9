"""The situation that the list shows for an account, and that any document has one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.display.overview import Situation, overview
from include.gas.errors import LOGIN_FAILED, OAUTH_OUTDATED, USER_ACTION_NEEDED, VENDOR_DOWN

PCE, OTHER = "09999999900017", "GI999042"
TODAY = date(2026, 5, 20)


def account(**more: Any) -> dict[str, Any]:
    """An account without problems: two years are stored, and the newest day is three days old."""
    document: dict[str, Any] = {
        "_id": "home",
        "account_type": "grdfgrandlyon",
        "oauth": {},
        "oauth_callback_results": {"pce_id": PCE, "consents": [{"pce": PCE, "id_accreditation": "x"}]},
        "history": {PCE: {"id_accreditation": "x", "from": "2023-01-03", "read_at": "2026-01-01T00:00:00Z"}},
        "stored": {
            PCE: {
                "2025": {"days": 365, "first": "2025-01-01", "last": "2025-12-31", "corrected": 2},
                "2026": {"days": 137, "first": "2026-01-01", "last": "2026-05-17", "provisional": 35},
            }
        },
    }
    return document | more


def consents(*ends: str | None, **more: str) -> dict[str, Any]:
    listed = [
        {"pce": pce, "id_accreditation": "x", "end": end, **more} for pce, end in zip((PCE, OTHER), ends, strict=False)
    ]
    return {"oauth_callback_results": {"pce_id": PCE, "consents": listed}}


def calls_until(days: int) -> dict[str, Any]:
    """Return a consent that allows calls for that many more days, and covers data far beyond."""
    return consents("2029-01-01", calls_until=(TODAY + timedelta(days)).isoformat())


def two_rights(end: str, first: str) -> dict[str, Any]:
    """Return an account whose first right ended long before the next begins, with its days stored up to that end."""
    last = (date.fromisoformat(end) - timedelta(1)).isoformat()
    former = {"pce": PCE, "id_accreditation": "w", "end": end}
    consent = {"pce": PCE, "id_accreditation": "x", "first": first, "others": [former]}
    stored = {PCE: {"2026": {"days": 1, "first": last, "last": last}}}
    return {"oauth_callback_results": {"pce_id": PCE, "consents": [consent]}, "stored": stored}


def gap(awaited: int, none: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "first": "2026-02-01", "last": "2026-02-09", "awaited": awaited, "none": none, "since": "x",
    }  # fmt: skip
    if none:
        entry["none_days"] = [f"2026-01-01/2026-01-{none:02}"]
    return {"gaps": {PCE: {"2026": entry | ({"awaited_from": "2026-02-03"} if awaited else {})}}}


def proofs(state: str, **more: str) -> dict[str, Any]:
    return {"proofs": {"x": {"pce": PCE, "state": state, "until": "2026-06-30", **more}}}


REFUSAL_TOLD = {"state": USER_ACTION_NEEDED, "state_partial": True, "state_proof": True}
WAITS = {"declaration": {"waits": True}} | consents(None, unusable="waiting for the holder")
BOTH = {"oauth_callback_results": {"consents": [{"pce": OTHER}, *WAITS["oauth_callback_results"]["consents"]]}}
CODE = {"oauth": {"code": "c"}, "oauth_callback_results": {}}
STATES: list[tuple[Situation, dict[str, Any]]] = [
    (Situation.WELL, {}),
    (Situation.HOLES, gap(0, 9)),
    (Situation.ENDING, calls_until(30) | gap(1, 9)),
    (Situation.WELL, consents((TODAY + timedelta(32)).isoformat())),
    (Situation.ENDING, consents((TODAY + timedelta(31)).isoformat())),
    (Situation.WELL, calls_until(31)),
    (Situation.ENDING, calls_until(30)),
    (Situation.ENDING, calls_until(0)),
    (Situation.CONNECT, calls_until(-1)),
    (Situation.ENDING, consents((TODAY + timedelta(1)).isoformat(), None)),
    (Situation.PARTLY, consents(TODAY.isoformat(), None)),
    (Situation.CONNECT, consents(TODAY.isoformat())),
    (Situation.CONNECT, consents(TODAY.isoformat(), "2026-01-01")),
    (Situation.CONNECT, {"state": OAUTH_OUTDATED}),
    (Situation.CONNECT, {"state": LOGIN_FAILED, "leaving": None}),
    (Situation.CONNECT, {"oauth_callback_results": {}, "stored": {}}),
    (Situation.PARTLY, {"state": OAUTH_OUTDATED, "state_partial": True}),
    (Situation.NEW, {"state": OAUTH_OUTDATED, "oauth": {"code": "c"}}),
    (Situation.NEW, CODE),
    (Situation.NEW, {"oauth_callback_results": {}, "stored": {}, "declaration": {"name": "Exemple"}}),
    (
        Situation.CORRECT,
        {
            "oauth_callback_results": {},
            "stored": {},
            "state": USER_ACTION_NEEDED,
            "declaration": {"name": "Exemple", "refused": True},
        },
    ),
    (Situation.ASKED, WAITS | {"state": USER_ACTION_NEEDED}),
    (Situation.PARTLY, WAITS | BOTH | {"state": USER_ACTION_NEEDED, "state_partial": True}),
    (Situation.NEW, {"stored": {}, "history": {}}),
    (Situation.NEW, {"stored": {PCE: {}}, "history": {PCE: {"id_accreditation": "former", "from": "2024-01-01"}}}),
    (Situation.NOTHING, {"stored": {}}),
    (Situation.PROOF, proofs("asked")),
    (Situation.PROOF, proofs("asked") | {"state": VENDOR_DOWN}),
    (Situation.WELL, proofs("checking")),
    (Situation.WELL, proofs("asked", sent="2026-05-19T00:00:00Z")),
    (Situation.PROOF_REFUSED, proofs("refused")),
    (Situation.PROOF_REFUSED, proofs("refused") | REFUSAL_TOLD),
    (Situation.CONNECT, proofs("refused") | {"state": OAUTH_OUTDATED}),
    (Situation.PARTLY, proofs("refused") | {"state": OAUTH_OUTDATED, "state_partial": True}),
    (Situation.VENDOR, {"state": VENDOR_DOWN}),
    (Situation.VENDOR, {"state": VENDOR_DOWN, **consents("2020-01-01")} | consents((TODAY + timedelta(9)).isoformat())),
    (Situation.NO_DAILY, {"stored": {}, "meter_facts": {PCE: {"daily_data": False}}}),
    (Situation.LATE, {"stored": {PCE: {"2026": {"days": 1, "first": "2026-05-12", "last": "2026-05-12"}}}}),
    (Situation.WELL, {"stored": {PCE: {"2026": {"days": 1, "first": "2026-05-13", "last": "2026-05-13"}}}}),
    (Situation.WELL, two_rights("2026-03-01", "2026-05-13")),
    (Situation.LATE, two_rights("2026-03-01", "2026-05-12")),
    (Situation.WELL, two_rights("2026-03-01", "2026-09-01")),
    (Situation.GAPS, gap(1, 3)),
    (Situation.LEAVING, {"leaving": {"run": "r", "by": "x", "since": "y"}, "state": OAUTH_OUTDATED}),
    (Situation.LEAVING, {"leaving": {"run": "r"}, "oauth": 7}),
    (Situation.ODD, {"oauth": 7}),
    (Situation.ODD, {"oauth_callback_results": {"pce_id": "nonsense"}}),
    (Situation.ODD, {"_id": "a:b"}),
]


@pytest.mark.parametrize(("situation", "more"), STATES)
def test_what_is_said_first(situation: Situation, more: dict[str, Any]) -> None:
    assert overview(account(**more)).situation(TODAY) == situation


def test_a_day_that_a_wrong_clock_has_dated_ahead_is_not_news() -> None:
    for last, situation in (
        ("2026-05-21", Situation.WELL),
        ("2026-05-22", Situation.LATE),
        ("2099-01-01", Situation.LATE),
    ):
        stored = {PCE: {last[:4]: {"days": 137, "first": f"{last[:4]}-01-01", "last": last}}}
        assert overview(account(stored=stored)).situation(TODAY) is situation, last


def test_the_figures_are_those_of_all_meters_and_the_last_day_is_that_of_the_meter_which_lags() -> None:
    document = account(**consents("2027-05-01", None), **gap(2, 3))
    document["stored"] = document["stored"] | {
        OTHER: {"2024": {"days": 10, "first": "2024-03-01", "last": "2024-03-31", "provisional": 1, "corrected": 1}}
    }
    line = overview(document)
    assert (line.meters, line.last) == ((PCE, OTHER), date(2024, 3, 31))
    assert (line.days, line.provisional, line.corrected) == (512, 36, 3)
    assert (line.awaited, line.none, line.missing) == (2, 3, 5)
    assert (line.consent_until, line.consents_until) == (date(2027, 4, 30), None)
