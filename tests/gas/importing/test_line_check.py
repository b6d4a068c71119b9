"""What is wrong with a line of an import: by itself, beside the others, and beside the accounts that exist."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.declaration import given_by
from include.gas.account.status import Status
from include.gas.importing import line_check
from include.gas.importing.line_check import Line, check_against_account, check_lines, to_csv
from include.gas.rights.meter_rights import Held, Meter, Right
from include.gas.rights.transitions import Asking

TODAY, BEGAN = date(2026, 11, 30), "2026-11-30T07:00:00.000000Z"
GOOD = {"pce": "09999999900017", "name": "Durand", "postcode": "69001", "email": "m@example.org"}
OTHER = "09999990000042"


def account(name: str, pce: str = GOOD["pce"], **more: Any) -> dict[str, Any]:
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": f"right-of-{name}"}]}
    return {"_id": name, "account_type": "grdfgrandlyon", "oauth_callback_results": results, **more}


def right(name: str, state: Any = "active", **more: Any) -> Right:
    more = {"since": "2026-01-02T03:04:05+00:00", "was_active": state == "active"} | more
    return Right(client="grdf_adict", id=f"right-of-{name}", account=name, way="declared", state=state, **more)


def check(*rows: dict[str, str]) -> list[Line]:
    return check_lines(dict(enumerate(rows, start=2)))


def beside(stored: dict[str, Any] | None, *rights: Right, shared: bool = False, left: bool = False) -> Line:
    """Check a good line of the account ``home`` against what there is."""
    (line,) = check(GOOD | {"account": "home"})
    who = Asking("home", "grdf_adict", "2026-11-30T08:00:00.000000Z", TODAY, shared=shared)
    return check_against_account(line, stored, Meter(pce=GOOD["pce"], rights=rights), who, began=BEGAN, left=left)


def reasons(*rows: dict[str, str]) -> list[str]:
    return [each.reason for each in check(*rows)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pce": "9999999900017"}, line_check.DIGITS_LOST), ({"pce": "9.9999999E+12"}, line_check.DIGITS_LOST),
        ({"pce": "1E+13"}, line_check.DIGITS_LOST), ({"pce": "9,99999E+12"}, line_check.DIGITS_LOST),
        ({"pce": "12"}, "its pce is not a meter's number: 14 digits, or GI and 6 digits"),
        ({"postcode": "1000"}, line_check.DIGITS_LOST), ({"postcode": "Lyon"}, "its postcode is not 5 digits"),
        ({"email": "m.example.org"}, "its email is not an e-mail address"),
        ({"company": "Exemple SARL"}, "it needs either name or company"),
        ({"name": ""}, "it needs either name or company"), ({"name": "Du\nrand"}, "its name is not a short text"),
        ({"phone": "call me"}, "its phone is not a phone number"),
        ({"perimeters": "publiees"}, "its perimeters do not include informatives, the daily data"),
        ({"perimeters": "informatives all"}, None),
        ({"first": "27/11/2026"}, "its first is not a day such as 2026-11-27"),
        ({"first": "2026-11-27", "end": "2026-11-27"}, "its end is not after first"),
        ({"account": "Mme Durand"}, line_check.BAD_ACCOUNT), ({"account": "_x"}, line_check.BAD_ACCOUNT),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_by_itself(change: dict[str, str], reason: str | None) -> None:
    (found,) = check(GOOD | change)
    assert found.outcome == "wrong"
    assert found.declaration is None
    if reason:
        assert found.reason == reason
    assert not any(value in found.reason for value in change.values() if len(value) > 4 and "E+" not in value)
    assert found.account == ""


def test_a_good_line() -> None:
    row = GOOD | {"pce": "0999 9999 900017", "perimeters": "Informatives|publiées + techniques", "first": "2024-01-01"}
    (found,) = check(row)
    assert (found.outcome, found.reason) == ("to declare", "")
    assert found.declaration
    assert given_by(found.declaration) == GOOD | {
        "perimeters": ["informatives", "publiees", "techniques"], "first": "2024-01-01",
    }  # fmt: skip


def test_a_line_that_is_cut_is_wrong_alone() -> None:
    assert reasons({}, GOOD) == [line_check.CUT, ""]


def test_lines_that_contradict_each_other() -> None:
    assert reasons(GOOD, GOOD | {"email": "x"}, GOOD) == [
        line_check.TWICE, "its email is not an e-mail address", line_check.TWICE,
    ]  # fmt: skip
    rows = [{**GOOD, "account": "home"}, {**GOOD, "account": "home", "pce": OTHER}]
    assert reasons(*rows) == [line_check.TWICE] * 2
    assert reasons(GOOD, GOOD | {"pce": OTHER}) == ["", ""]


OURS = {"_id": "home", "account_type": "grdfgrandlyon"}
MARK = {"leaving": {"run": "r", "by": "x", "since": "2026-01-01"}}
BEHIND = Status.with_held(OURS, [Held(pce=GOOD["pce"], word="behind")])
REFUSED = GOOD | {"refused": True, "refused_because": "its postcode"}
IN_RUN = "2026-11-30T07:30:00.000000Z"
SOON = TODAY + timedelta(days=7)
LATER = TODAY + timedelta(days=700)


@pytest.mark.parametrize(
    ("stored", "rights", "outcome", "reason"),
    [
        (account("home"), [right("home")], "connected", line_check.CONNECTED),
        (account("home"), [right("home", calls_until=LATER)], "connected", line_check.CONNECTED),
        (account("home"), [right("home", calls_until=SOON)], "to declare", ""),
        (account("home"), [right("home", "waiting")], "connected", line_check.CONNECTED),
        (account("home"), [right("home", "ended", ended_on=TODAY)], "to declare", ""),
        (account("home"), [], "to declare", ""),
        (account("home", OTHER), [], "wrong", line_check.OTHER),
        (account("home", **MARK), [right("home")], "wrong", "it is leaving"),
        (account("home") | {"oauth_callback_results": []}, [right("home")], "wrong", "oauth_callback_results"),
        ({"_id": "home", "account_type": "edf"}, [], "wrong", "its account_type is not grdfgrandlyon"),
        (OURS, [], "to declare", ""),
        (OURS | {"declaration": GOOD}, [], "to declare", ""),
        (OURS | {"declaration": GOOD | {"email": "x@example.org"}}, [], "wrong", line_check.OTHER),
        (OURS | {"declaration": GOOD | {"pce": OTHER}}, [], "wrong", line_check.OTHER),
        (OURS | {"declaration": GOOD}, [right("home", calls_until=SOON)], "to declare", ""),
        (OURS | {"declaration": GOOD}, [right("home")], "to declare", ""),
        (OURS | {"declaration": GOOD}, [right("home", "waiting")], "to declare", ""),
        (OURS | {"declaration": REFUSED | {"entered_at": BEGAN[:10]}}, [], "to declare", ""),
        (OURS | {"declaration": REFUSED | {"entered_at": IN_RUN}}, [], "refused", "its postcode"),
        (BEHIND | {"declaration": GOOD | {"entered_at": BEGAN[:10]}}, [right("other")], "to declare", line_check.TAKEN),
        (BEHIND | {"declaration": GOOD | {"entered_at": IN_RUN}}, [right("other")], "waiting", line_check.WAITS),
        (account("home"), [right("home", "refused")], "to declare", ""),
        (account("home"), [right("home", "refused", since=IN_RUN)], "connected", line_check.CONNECTED),
        (None, [right("other")], "to declare", line_check.TAKEN),
        (None, [right("other", "ended", ended_on=TODAY)], "to declare", ""),
        (None, [right("home", "asked", since="2026-11-30T07:59:00.000000Z")], "to declare", ""),
    ],
    ids=str,
)  # fmt: skip
def test_a_line_beside_what_there_is(stored: Any, rights: list[Right], outcome: str, reason: str) -> None:
    found = beside(stored, *rights)
    assert found.outcome == outcome
    assert reason in found.reason
    if reason == line_check.TAKEN:
        assert beside(stored, *rights, shared=True).reason == ""


def test_an_id_is_not_used_twice() -> None:
    assert (beside(None, left=True).outcome, beside(None, left=True).reason) == ("refused", line_check.LEFT)


def test_the_result_names_lines_and_reasons() -> None:
    results = [
        Line(2, "").with_outcome("wrong", "its pce is odd"),
        Line(70, "-x").with_outcome("wrong", line_check.TAKEN),
    ]
    rows = to_csv(results).splitlines()
    assert rows[0] == "line,account,outcome,reason"
    assert rows[1] == "2,,wrong,its pce is odd"
    assert rows[-1].startswith("70,'-x,wrong,")
