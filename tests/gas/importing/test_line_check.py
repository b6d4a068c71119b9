"""What is wrong with a line of an import: by itself, beside the others, and beside the accounts that exist."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.declaration_check import given_by
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.importing import line_check
from include.gas.importing.csv_file import Line
from include.gas.importing.holdings import Holdings
from include.gas.importing.line_check import Checked, check_lines
from include.gas.importing.result_file import Result, done_before, is_final, report, to_csv
from include.gas.rights.meter_rights import Meter, Right

TODAY = date(2026, 11, 30)
GOOD = {"pce": "09999999900017", "name": "Durand", "postcode": "69001", "email": "m@example.org"}
OTHER = "09999990000042"


def account(name: str, pce: str = GOOD["pce"], **more: Any) -> dict[str, Any]:
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": f"right-of-{name}"}]}
    return {"_id": name, "account_type": "grdfgrandlyon", "oauth_callback_results": results, **more}


def right(name: str, state: Any = "active", **more: Any) -> Right:
    since = "2026-01-02T03:04:05+00:00"
    return Right(client="grdf_adict", id=f"right-of-{name}", account=name, way="declared", state=state, since=since,
                 was_active=state == "active", **more)  # fmt: skip


def check(*rows: dict[str, str], accounts: tuple[dict[str, Any], ...] = (), rights: tuple[Right, ...] = (),
          pce: str = GOOD["pce"], left: tuple[str, ...] = (), **more: Any) -> list[Checked]:  # fmt: skip
    lines = [Line(number, row) for number, row in enumerate(rows, start=2)]
    return check_lines(lines, Holdings(accounts, [Meter(pce=pce, rights=rights)], left), TODAY, **more)


def reasons(*rows: dict[str, str], **more: Any) -> list[str]:
    return [each.reason for each in check(*rows, **more)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pce": "9999999900017"}, line_check.ZERO_LOST), ({"pce": "9.9999999E+12"}, line_check.ROUNDED),
        ({"pce": "1E+13"}, line_check.ROUNDED), ({"pce": "9,99999E+12"}, line_check.ROUNDED),
        ({"pce": "12"}, "its pce is not a meter's number: 14 digits, or GI and 6 digits"),
        ({"postcode": "1000"}, line_check.POSTCODE_CUT), ({"postcode": "Lyon"}, "its postcode is not 5 digits"),
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
    assert found.verdict == "wrong"
    assert found.declaration is None
    if reason:
        assert found.reason == reason
    assert not any(value in found.reason for value in change.values() if len(value) > 4 and "E+" not in value)
    assert found.account == ""


def test_a_good_line() -> None:
    row = GOOD | {"pce": "0999 9999 900017", "perimeters": "Informatives|publiées + techniques", "first": "2024-01-01"}
    (found,) = check(row)
    assert (found.verdict, found.reason) == ("open", "")
    assert found.declaration
    assert given_by(found.declaration) == GOOD | {
        "perimeters": ["informatives", "publiees", "techniques"], "first": "2024-01-01",
    }  # fmt: skip


def test_lines_that_contradict_each_other() -> None:
    assert reasons(GOOD, GOOD | {"email": "x"}, GOOD) == [
        line_check.METER_TWICE, "its email is not an e-mail address", line_check.METER_TWICE,
    ]  # fmt: skip
    rows = [{**GOOD, "account": "home"}, {**GOOD, "account": "home", "pce": OTHER}]
    assert reasons(*rows) == [line_check.ACCOUNT_TWICE] * 2
    assert reasons(GOOD, GOOD | {"pce": OTHER}) == ["", ""]


OURS = {"_id": "home", "account_type": "grdfgrandlyon"}
MARK = {"leaving": {"run": "r", "by": "x", "since": "2026-01-01"}}
IMPORTED = {"connected": {"at": "2026-11-01T00:00:00+00:00", "by": "import by somebody"}}
SOON = TODAY + timedelta(days=7)
LATER = TODAY + timedelta(days=700)


@pytest.mark.parametrize(
    ("stored", "rights", "verdict", "reason"),
    [
        (account("home"), [right("home")], "connected", line_check.CONNECTED),
        (account("home"), [right("home", calls_until=LATER)], "connected", line_check.CONNECTED),
        (account("home"), [right("home", calls_until=SOON)], "open", ""),
        (account("home"), [right("home", "waiting")], "connected", line_check.CONNECTED),
        (account("home"), [right("home", "ended", ended_on=TODAY)], "open", ""),
        (account("home"), [], "connected", line_check.CONNECTED),
        (account("home", OTHER), [], "wrong", line_check.OTHER_METER),
        (account("home", **MARK), [right("home")], "wrong", line_check.LEAVING),
        (account("home") | {"oauth_callback_results": []}, [right("home")], "wrong", line_check.UNREADABLE),
        ({"_id": "home", "account_type": "edf"}, [], "wrong", line_check.NOT_OURS),
        (OURS, [], "open", ""),
        (OURS | {"declaration": GOOD}, [], "being declared", line_check.BEING_DECLARED),
        (OURS | IMPORTED | {"declaration": GOOD}, [], "open", ""),
        (OURS | {"declaration": GOOD | {"refused": True}}, [], "open", ""),
        (OURS | {"declaration": GOOD | {"pce": OTHER}}, [], "wrong", line_check.OTHER_METER),
        (account("other"), [right("other")], "wrong", line_check.TAKEN),
        (account("other"), [right("other", "waiting")], "wrong", line_check.TAKEN),
        (account("other"), [right("other", "ended", ended_on=TODAY)], "open", ""),
        (account("other", **MARK), [right("other")], "open", ""),
        (OURS | {"_id": "other", "declaration": GOOD | {"name": "Petit"}}, [], "wrong", line_check.TAKEN),
        (account("other"), [], "wrong", line_check.TAKEN),
        (account("elsewhere", OTHER), [right("gone")], "open", ""),
    ],
    ids=str,
)  # fmt: skip
def test_a_line_beside_an_account(stored: dict[str, Any], rights: list[Right], verdict: str, reason: str) -> None:
    known: dict[str, Any] = {"accounts": (stored,), "rights": tuple(rights)}
    (found,) = check({**GOOD, "account": "home"}, **known)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert "other" not in found.reason.split(), "the log names no other account"
    if reason == line_check.TAKEN:
        assert found.detail == "account other"
        assert reasons({**GOOD, "account": "home"}, several=True, **known) == [""]


def test_an_id_is_not_used_twice() -> None:
    assert reasons({**GOOD, "account": "home"}, left=("home",)) == [line_check.LEFT]
    assert reasons(GOOD, left=("home",)) == [""]


def test_a_household_without_an_id_takes_its_account_again() -> None:
    (found,) = check(GOOD, accounts=(OURS | IMPORTED | {"declaration": GOOD},))
    assert (found.account, found.verdict) == ("home", "open")
    known: dict[str, Any] = {"accounts": (account("home"),), "rights": (right("home"),)}
    assert reasons(GOOD, **known) == [line_check.TAKEN], "nobody knows whose it is"

    def knows(name: str, given: Declaration) -> bool:
        return (name, given.email) == ("home", GOOD["email"])

    (found,) = check(GOOD, knows=knows, **known)
    assert (found.account, found.verdict) == ("home", "connected")
    assert reasons(GOOD | {"email": "new@example.org"}, knows=knows, **known) == [line_check.TAKEN]


def test_the_result_says_which_lines_are_done_until_the_import_has_ended() -> None:
    lines = [Line(2, GOOD), Line(3, GOOD | {"pce": OTHER})]
    results = [Result(2, "-x", "declared", "it is", key=lines[0].key), Result(3, "", "wrong", "it is odd")]
    text = to_csv(results)
    assert not is_final(text)
    (found,) = done_before(text).values()
    assert (found.account, found.outcome, found.reason) == ("-x", "declared", "it is")
    assert Line(7, dict(reversed(GOOD.items()))).key == found.key, "wherever the line stands"
    assert Line(2, GOOD | {"email": "else@example.org"}).key not in done_before(text), "it was corrected"
    ended = to_csv(results, ended=True)
    assert is_final(ended)
    assert done_before(ended) == done_before(None) == {}
    assert not any(value in text for value in GOOD.values())


def test_the_result_names_lines_and_reasons() -> None:
    results = [Result(number, "", "wrong", "its pce is odd") for number in range(2, 62)]
    results.append(Result(70, "-x", "wrong", line_check.TAKEN, "account other"))
    first, second = report(results, "wrong")
    assert first.startswith("60 line(s): its pce is odd. Line 2, 3, ")
    assert first.endswith("51 and 10 more")
    assert second == f"1 line(s): {line_check.TAKEN}. Line 70", "the log names no other account"
    rows = to_csv(reversed(results), ended=True).splitlines()
    assert rows[0] == "line,account,outcome,reason"
    assert rows[1] == "2,,wrong,its pce is odd"
    assert rows[-1] == f"70,'-x,wrong,{line_check.TAKEN} (account other)"
