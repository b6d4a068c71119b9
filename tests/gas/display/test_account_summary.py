"""What the page shows of an account: its situation in the list, how far a household is, and the fleet in numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from include.gas.account.freshness import Freshness
from include.gas.account.status import Billing, Status
from include.gas.days.windows import ONE_DAY, Window
from include.gas.display.account_summary import AccountSummary, Group, Situation, summarize_account
from include.gas.display.fleet_summary import DayDelay, summarize_fleet
from include.gas.display.meter_days import MeterDays
from include.gas.display.progress import Progress, Step, find_progress
from include.gas.documents.year_counts import StoredYear
from include.gas.errors import LOGIN_FAILED, OAUTH_OUTDATED, PERMISSIONS_CHANGED, USER_ACTION_NEEDED, VENDOR_DOWN
from include.gas.rights.meter_rights import MeterAccess, Proof, Standing
from tests.readings import with_billing, with_reading

PCE, OTHER = "09999999900017", "GI999042"
EVER = Window(date.min, date.max)
TODAY = date(2026, 5, 20)


def account(
    *, readings: dict[str, Any] | None = None, billing: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Two years are stored, and the newest day is three days old."""
    document: dict[str, Any] = {
        "_id": "home", "account_type": "grdfgrandlyon", "oauth": {},
        "oauth_callback_results": {"pce_id": PCE, "consents": [{"pce": PCE, "id_accreditation": "x"}]},
    }  # fmt: skip
    held = MeterAccess(pce=PCE, word="active", since="2026-01-01T00:00:00Z", right="x", days=(EVER,))
    document = Status.with_access(document, [held]) | more
    for pce, reading in (gap(0, 0)["readings"] if readings is None else readings).items():
        document = with_reading(document, pce, **{"since": None, **reading})
    return document if billing is None else with_billing(document, PCE, **billing)


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def meters(*words: Standing, day: date | None = None, covered: Window | None = EVER, **more: Any) -> dict[str, Any]:
    """The last of the meters stands so since or until a day, and has these days."""
    access = [MeterAccess(pce=pce, word=word, days=(EVER,)) for pce, word in zip((PCE, OTHER), words, strict=False)]
    access[-1] = MeterAccess(pce=access[-1].pce, word=words[-1], day=day, days=(covered,) if covered else ())
    consents = [{"pce": each.pce, "id_accreditation": "x"} for each in access]
    return Status.with_access({"oauth_callback_results": {"pce_id": PCE, "consents": consents}, **more}, access)


def ends(in_days: int, *others: Standing) -> dict[str, Any]:
    return meters(*others, "active", day=days(in_days + 1), covered=Window(date.min, days(in_days + 1)))


def over(since: int, *others: Standing) -> dict[str, Any]:
    return meters(*others, "over", day=days(-since), covered=Window(date.min, days(-since)))


def after(first: int) -> dict[str, Any]:
    """The right ended 80 days ago, and the next one has begun or begins."""
    last, word = str(days(-81)), "active" if first <= 0 else "later"
    windows = Window(date.min, days(-80)), Window(days(first), date.max)
    access = MeterAccess(pce=PCE, word=word, day=days(first), days=windows)  # type: ignore[arg-type]
    return Status.with_access({"readings": {PCE: {"years": {"2026": {"first": last, "last": last}}}}}, [access])


def gap(lately: int, before: int) -> dict[str, Any]:
    holes = (date(2026, 1, 2), before), (date(2026, 5, 17) - timedelta(days=lately), lately)
    absent = [{"first": str(first), "end": str(first + timedelta(days=days))} for first, days in holes if days]
    year = {"first": "2026-01-01", "last": "2026-05-17", "absent": absent, "provisional": 35}
    former = {"first": "2025-01-01", "last": "2025-12-31", "corrected": 2}
    return {"readings": {PCE: {"years": {"2025": former, "2026": year}}}}


def only(last: str) -> dict[str, Any]:
    return {"readings": {PCE: {"years": {last[:4]: {"first": last, "last": last}}}}}


def proofs(state: str, **more: str) -> dict[str, Any]:
    proof = Proof(state=state, until=date(2026, 6, 30), **more)
    return Status.with_access({}, [MeterAccess(pce=PCE, word="active", days=(EVER,), proofs={"x": proof})])


NAMED = {"name": "Exemple"}
CODE = {"oauth": {"code": "c"}, "oauth_callback_results": {}}
NOTHING: dict[str, Any] = {"oauth_callback_results": {}, "readings": {}, "status": {}}
LOST, WAITS = {"state": OAUTH_OUTDATED}, {"state": USER_ACTION_NEEDED}
BEHIND = Status.with_access({"declaration": NAMED | {"pce": PCE}}, [MeterAccess(pce=PCE, word="behind")])
STATES: list[tuple[Situation, dict[str, Any]]] = [
    (Situation.WELL, {}), (Situation.HOLES, gap(0, 9)), (Situation.GAPS, gap(1, 3)),
    (Situation.ENDING, ends(30) | gap(1, 9)), (Situation.WELL, ends(31)), (Situation.ENDING, ends(1, "active")),
    # Over beside one in force is history; over alone must act, and rests after a week.
    (Situation.WELL, over(0, "active")), (Situation.CONNECT, over(7) | LOST), (Situation.OVER, over(8, "over") | LOST),
    (Situation.CONNECT, meters("refused") | LOST | {"state_since": "2026-05-13T08:00:00Z"}),
    (Situation.OVER, meters("refused") | LOST | {"state_since": "2026-05-12T08:00:00Z"}),
    (Situation.CONNECT, meters("none") | LOST), (Situation.CONNECT, meters("narrow") | {"state": PERMISSIONS_CHANGED}),
    # Who never connected, or could not connect again, rests a week after the last time it tried.
    (Situation.OVER, NOTHING | LOST | {"state_since": "2026-05-12T08:00:00Z"}),
    (Situation.CONNECT, over(8) | LOST | {"connected": {"at": "2026-05-13T08:00:00Z", "by": "x"}}),
    (Situation.CONNECT, NOTHING), (Situation.CONNECT, {"state": LOGIN_FAILED, "leaving": None}),
    (Situation.PARTLY, LOST | {"state_partial": True}),
    (Situation.PARTLY, meters("active", "waiting") | WAITS | {"state_partial": True}),
    (Situation.NEW, over(100) | {"declaration": NAMED}), (Situation.NEW, over(100) | LOST | {"oauth": {"code": "c"}}),
    (Situation.NEW, CODE), (Situation.NEW, NOTHING | {"declaration": NAMED}), (Situation.NEW, {"status": {}}),
    *((Situation.NEW, meters(word, covered=None)) for word in ("asked", "unseen")),
    (Situation.CORRECT, over(100) | WAITS | {"declaration": NAMED | {"refused": True}}),
    (Situation.WELL, ends(300) | {"declaration": NAMED}), (Situation.BEHIND, NOTHING | BEHIND),
    (Situation.RENEWS, ends(3) | {"declaration": NAMED | {"pce": PCE}}),
    (Situation.ASKED, meters("waiting", covered=None) | WAITS),
    (Situation.LATER, meters("later", day=days(9), covered=Window(days(9), date.max), readings={})),
    (Situation.LATER, meters("active", covered=Window(days(1), date.max), readings={})),
    (Situation.NOTHING, meters("active", covered=Window(days(0), date.max)) | {"readings": {PCE: {}}}),
    (Situation.NEW, {"readings": {PCE: {"since": "2024-01-01", "whole_at": None}}}),
    (Situation.NOTHING, {"readings": {PCE: {}}}), (Situation.PROOF, proofs("asked") | {"state": VENDOR_DOWN}),
    (Situation.WELL, proofs("checking")), (Situation.WELL, proofs("asked", sent="2026-05-19T00:00:00Z")),
    (Situation.PROOF_REFUSED, proofs("refused") | WAITS | {"state_partial": True}),
    (Situation.CONNECT, proofs("refused") | LOST), (Situation.VENDOR, {"state": VENDOR_DOWN} | ends(9)),
    (Situation.NO_DAILY, {"readings": {}, "billing": {"frequency": "6M", "until": "2025-12-01"}}),
    (Situation.LATE, {"readings": {}, "billing": {"frequency": "JJ", "until": "2026-04-01"}}),
    (Situation.LATE, only("2026-05-14")), (Situation.GAPS, only("2026-05-15")),
    (Situation.WELL, only("2026-03-31") | {"billing": {"frequency": "MM"}}),
    (Situation.GAPS, after(-5)), (Situation.LATE, after(-6)), (Situation.LATER, after(100)),
    (Situation.LEAVING, LOST | {"leaving": {"run": "r", "by": "x", "since": "y"}}),
    (Situation.LEAVING, {"leaving": {"run": "r"}, "oauth": 7}), (Situation.ODD, {"oauth": 7}),
]  # fmt: skip


@pytest.mark.parametrize(("situation", "more"), STATES)
def test_what_is_said_first(situation: Situation, more: dict[str, Any]) -> None:
    assert summarize_account(account(**more)).situation(TODAY) == situation


def test_the_figures_are_those_of_all_meters_and_the_last_day_is_that_of_the_meter_which_lags() -> None:
    document = account(**meters("active", "active", covered=Window(date.min, date(2027, 5, 1))), **gap(2, 3))
    year = {"first": "2024-03-01", "last": "2024-03-31", "provisional": 1, "corrected": 1}
    document = with_reading(document, OTHER, {"2024": year}, since=None)
    line = summarize_account(document)
    assert (line.meters, line.last) == ((PCE, OTHER), date(2024, 3, 31))
    assert sum(year.days for year in line.years) == 365 + 132 + 31
    lately, before = (59, (date(2026, 3, 19) - date(2024, 4, 1)).days)
    assert line.missing(TODAY) == (2 + lately, 3 + before)
    assert line.consent_until == date(2027, 4, 30)


SINCE, DAY = "2026-03-01T10:00:00Z", date(2026, 5, 1)
PERSON = {"pce": PCE, "name": "Durand", "postcode": "69001", "email": "d@example.org"}
COVERED = (Window(date(2026, 1, 1), DAY),)
ASKED: dict[str, Any] = {"declaration": PERSON}
REFUSED = {"declaration": PERSON | {"refused": True, "refused_reason": "1000000005"}, "state_message": "wrong"}
READ = {"2026": {"days": 3, "first": "2026-01-01", "last": "2026-01-03"}}
NARROW = {"state": PERMISSIONS_CHANGED, "state_message": "tick"}


def home(
    word: Standing | None = None, reading: Any = None, said: dict[str, Any] | None = None, **held: Any
) -> dict[str, Any]:
    document = {"_id": "a", "account_type": "grdfgrandlyon", "declaration": {"pce": PCE}, **(said or {})}
    if word is None:
        return document
    document["oauth_callback_results"] = {"consents": [{"pce": PCE, "id_accreditation": "r"}]}
    document = Status.with_access(document, [MeterAccess(pce=PCE, word=word, **held)])
    return with_reading(document, PCE, reading) if reading else document


LASTS = {"day": DAY, "days": COVERED}
PROGRESS: dict[str, tuple[dict[str, Any], Progress]] = {
    "just sent": (home(said=ASKED), Progress(Step.DECLARING)),
    "grant that waits": (home(said={"declaration": None, "oauth_callback_results": {"id_token": "x"}}),
                         Progress(Step.DECLARING)),
    "refused": (home(said=REFUSED), Progress(Step.CORRECT, reason="1000000005", message="wrong")),
    "early renewal waits": (home("active", since=SINCE, days=COVERED, waits=True), Progress(Step.WAITS, since=SINCE)),
    "later": (home("later", **LASTS), Progress(Step.LATER, day=DAY)),
    "accepted": (home("active", days=COVERED), Progress(Step.ACCEPTED, day=COVERED[0].first)),
    "read": (home("active", READ, **LASTS), Progress(Step.READ, day=DAY)),
    "early renewal": (home("active", READ, ASKED, **LASTS), Progress(Step.RENEWS, day=DAY - ONE_DAY)),
    "early renewal, which GRDF takes later than the days end": (
        home("active", said=ASKED, free=date(2026, 6, 1), **LASTS), Progress(Step.RENEWS, day=date(2026, 5, 31))
    ),
    "taken": (home(said=Status.with_access(ASKED, [MeterAccess(pce=PCE, word="behind")]) | {"state_message": "taken"}),
              Progress(Step.TAKEN, message="taken")),
    "holder refused": (home("refused"), Progress(Step.REFUSED)),
    "no answer": (home("over", day=DAY), Progress(Step.UNANSWERED, day=DAY)),
    "over": (home("over", **LASTS), Progress(Step.OVER, day=DAY)),
    "renewed after it": (home("over", said=ASKED, **LASTS), Progress(Step.DECLARING)),
    "narrow": (home("narrow", said=NARROW), Progress(Step.NARROW, message="tick")),
    "a person must act": (home("active", said={"state": USER_ACTION_NEEDED, "state_message": "act"}, days=COVERED),
                          Progress(Step.PROBLEM, message="act")),
    "nothing": (home(), Progress(Step.NOTHING)),
}  # fmt: skip


@pytest.mark.parametrize(("document", "found"), PROGRESS.values(), ids=PROGRESS)
def test_how_far_a_household_is(document: dict[str, Any], found: Progress) -> None:
    assert find_progress(document) == found
    assert find_progress(document | {"account_type": "another"}).step is Step.PROBLEM
    assert find_progress(document | {"leaving": {"run": "r"}}) == find_progress(None) == Progress(Step.NOTHING)


def test_it_ends_once_nothing_changes_by_itself() -> None:
    assert {name for name, (_, found) in PROGRESS.items() if found.is_last} == {
        "refused", "read", "holder refused", "narrow", "no answer", "over", "nothing",
    }  # fmt: skip


NEWEST = days(-2)


def stored(last: date, first: date | None = None, *absent: Window) -> MeterDays:
    access = MeterAccess(pce=PCE, word="active", days=(EVER,))
    return MeterDays(access, (StoredYear(first or last, last, absent),))


def seen(name: str, *meters: MeterDays, **more: Any) -> AccountSummary:
    return AccountSummary(name, asked=True, **{"last": NEWEST, "days_of_meters": meters, **more})


def test_each_account_is_counted_in_one_group() -> None:
    situations = Situation.CONNECT, Situation.ASKED, Situation.LEAVING
    found = summarize_fleet(
        [
            seen("a"), seen("b", stored(NEWEST, days(-5), Window(days(-4), days(-3)))), seen("c", stored(days(-9))),
            *(seen(each.value, standing=each) for each in situations),
            seen("g", standing=Situation.CONNECT, lost_on=days(-8)),
        ],
        TODAY,
    )  # fmt: skip
    assert found.groups == {
        Group.WELL: {Situation.GAPS: 1, Situation.WELL: 1}, Group.LATE: {Situation.LATE: 1},
        Group.WAITING: {Situation.ASKED: 1}, Group.LOST: {Situation.CONNECT: 1}, Group.OVER: {Situation.OVER: 1},
        Group.LEAVING: {Situation.LEAVING: 1},
    }  # fmt: skip
    assert found.total == 7


def test_each_account_is_in_one_class_of_ages() -> None:
    places = {-1: 0, 0: 0, 2: 0, 3: 1, 7: 5, 8: 6, 14: 6, 15: 7, 90: 8, 91: 9, None: 10}
    for ago, place in places.items():
        last = None if ago is None else days(-ago)
        ages = summarize_fleet([seen("a", last=last)], TODAY).ages
        assert [each.number for each in ages] == [int(number == place) for number in range(11)]


def test_the_delays_of_the_last_month_are_those_of_half_and_of_most_meters() -> None:
    access = MeterAccess(pce=PCE)
    meters = [MeterDays(access, freshness=Freshness(NEWEST, delays=each)) for each in ("1" * 40, "2" * 20, ".93")]
    monthly = replace(meters[0], billing=Billing(frequency="MM"), freshness=Freshness(NEWEST, delays="9" * 31))
    found = summarize_fleet([seen("a", *meters[:2]), seen("b", meters[2], monthly)], TODAY).delays
    assert [each.day for each in found] == [days(-number) for number in range(31, 1, -1)]
    assert (found[0], found[-2:]) == (
        DayDelay(days(-31), 1, 1, 1), (DayDelay(days(-3), 2, 9, 3), DayDelay(days(-2), 2, 3, 3)),
    )  # fmt: skip
