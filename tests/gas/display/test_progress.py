"""How far a household is, from what its account says."""

from __future__ import annotations

from datetime import date

import pytest

from include.gas.account.status import Status
from include.gas.days.windows import ONE_DAY, Window
from include.gas.display.progress import Progress, Step, progress
from include.gas.rights.meter_rights import Held
from tests.readings import with_reading

PCE, SINCE, DAY = "09999990000001", "2026-03-01T10:00:00Z", date(2026, 5, 1)
PERSON = {"pce": PCE, "name": "Durand", "postcode": "69001", "email": "d@example.org"}
DAYS = (Window(date(2026, 1, 1), DAY),)


def account(held=None, reading=None, **more):
    document = {"_id": "a", "account_type": "grdfgrandlyon", "declaration": {"pce": PCE}, **more}
    if held is None:
        return document
    document["oauth_callback_results"] = {"consents": [{"pce": PCE, "id_accreditation": "r"}]}
    document = Status.with_held(document, [Held(pce=PCE, **held)])
    return with_reading(document, PCE, reading) if reading else document


ASKED = {"declaration": PERSON}
REFUSED = {"declaration": PERSON | {"refused": True, "refused_reason": "1000000005"}, "state_message": "wrong"}
READ = {"2026": {"days": 3, "first": "2026-01-01", "last": "2026-01-03"}}
BEHIND = Status.with_held({}, [Held(pce=PCE, word="behind")])
FORGOTTEN = {
    "declaration": {"pce": PCE, "refused": True},
    "state": "USER_ACTION_NEEDED",
    "state_message": "enter it again",
}
WORDS = (
    ("just sent", account(**ASKED), Progress(Step.DECLARING)),
    ("grant that waits", account(declaration=None, oauth_callback_results={"id_token": "x"}), Progress(Step.DECLARING)),
    ("asked", account({"word": "asked"}, **ASKED), Progress(Step.DECLARING)),
    ("refused", account(**REFUSED), Progress(Step.CORRECT, reason="1000000005", message="wrong")),
    ("waits", account({"word": "waiting", "since": SINCE, "waits": True}), Progress(Step.WAITS, since=SINCE)),
    (
        "early renewal waits",
        account({"word": "active", "since": SINCE, "days": DAYS, "waits": True}),
        Progress(Step.WAITS, since=SINCE),
    ),
    ("later", account({"word": "later", "day": DAY, "days": DAYS}), Progress(Step.LATER, day=DAY)),
    ("accepted", account({"word": "active", "days": DAYS}), Progress(Step.ACCEPTED, day=DAYS[0].first)),
    (
        "read",
        account(
            {"word": "active", "day": DAY, "days": DAYS},
            READ,
        ),
        Progress(Step.READ, day=DAY),
    ),
    (
        "early renewal",
        account({"word": "active", "day": DAY, "days": DAYS}, READ, **ASKED),
        Progress(Step.RENEWS, day=DAY - ONE_DAY),
    ),
    (
        "early renewal, which GRDF takes later than the days end",
        account({"word": "active", "day": DAY, "free": date(2026, 6, 1), "days": DAYS}, **ASKED),
        Progress(Step.RENEWS, day=date(2026, 5, 31)),
    ),
    ("taken", account(**ASKED, **BEHIND, state_message="taken"), Progress(Step.TAKEN, message="taken")),
    ("taken for too long", account(**FORGOTTEN), Progress(Step.PROBLEM, message="enter it again")),
    ("holder refused", account({"word": "refused"}), Progress(Step.REFUSED)),
    ("no answer", account({"word": "over", "day": DAY}), Progress(Step.UNANSWERED, day=DAY)),
    ("over", account({"word": "over", "day": DAY, "days": DAYS}), Progress(Step.OVER, day=DAY)),
    ("renewed after it", account({"word": "over", "day": DAY, "days": DAYS}, **ASKED), Progress(Step.DECLARING)),
    (
        "narrow",
        account({"word": "narrow"}, state="USER_ACTION_NEEDED.PERMISSIONS_CHANGED", state_message="tick"),
        Progress(Step.NARROW, message="tick"),
    ),
    (
        "a person must act",
        account({"word": "active", "days": DAYS}, state="USER_ACTION_NEEDED", state_message="act"),
        Progress(Step.PROBLEM, message="act"),
    ),
    ("leaving", account(leaving={"run": "r", "by": "b", "since": SINCE}), Progress(Step.NOTHING)),
    ("nothing", account(), Progress(Step.NOTHING)),
    ("no account", None, Progress(Step.NOTHING)),
)


@pytest.mark.parametrize(("document", "found"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_each_step(document, found):
    assert progress(document) == found


def test_what_nobody_can_read_is_a_problem():
    assert progress({"_id": "a", "account_type": "another"}).step is Step.PROBLEM


def test_it_ends_once_nothing_changes_by_itself():
    ended = {row[0] for row in WORDS if row[2].is_last}
    assert ended == {
        "refused",
        "read",
        "holder refused",
        "narrow",
        "no answer",
        "over",
        "leaving",
        "nothing",
        "no account",
    }
