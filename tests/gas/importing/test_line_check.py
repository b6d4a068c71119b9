"""What is wrong with a line of an import: by itself, beside the others, and beside the accounts that exist."""

from __future__ import annotations

from typing import Any

import pytest

from include.gas.account.declaration_check import given_by
from include.gas.importing import line_check
from include.gas.importing.csv_file import Line
from include.gas.importing.holdings import Holdings
from include.gas.importing.import_progress import Progress
from include.gas.importing.line_check import Checked, check_lines
from include.gas.importing.result_file import Result, report, to_csv

GOOD = {"pce": "09999999900017", "name": "Durand", "postcode": "69001", "email": "m@example.org"}
OTHER = "09999990000042"


def account(name: str, pce: str = GOOD["pce"], **more: Any) -> dict[str, Any]:
    consent = {"pce": pce, "id_accreditation": f"right-of-{name}", **more.pop("consent", {})}
    results = {"pce_id": pce, "consents": [consent]}
    return {"_id": name, "account_type": "grdfgrandlyon", "oauth_callback_results": results, **more}


def check(*rows: dict[str, str], accounts: tuple[dict[str, Any], ...] = (), **more: Any) -> list[Checked]:
    lines = [Line(number, row) for number, row in enumerate(rows, start=2)]
    return check_lines(lines, Holdings(accounts), **{"ids": {}, **more})


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


ENDED = {"consent": {"unusable": "revoked"}}
WAITING = {"consent": {"unusable": "waiting for the holder"}}
MARK = {"leaving": {"run": "r", "by": "x", "since": "2026-01-01"}}


@pytest.mark.parametrize(
    ("stored", "verdict", "reason"),
    [
        (account("home"), "connected", line_check.CONNECTED),
        (account("home", **WAITING), "connected", line_check.CONNECTED),
        (account("home", **ENDED), "open", ""),
        (account("home", OTHER), "wrong", line_check.OTHER_METER),
        (account("home", OTHER, **ENDED), "wrong", line_check.OTHER_METER),
        (account("home", **MARK), "wrong", line_check.LEAVING),
        (account("home") | {"oauth_callback_results": []}, "wrong", line_check.UNREADABLE),
        ({"_id": "home", "account_type": "edf"}, "wrong", line_check.NOT_OURS),
        ({"_id": "home", "account_type": "grdfgrandlyon"}, "open", ""),
        ({"_id": "home", "account_type": "grdfgrandlyon", "declaration": GOOD}, "being declared",
         line_check.BEING_DECLARED),
        ({"_id": "home", "account_type": "grdfgrandlyon", "declaration": GOOD | {"refused": True}}, "open", ""),
        ({"_id": "home", "account_type": "grdfgrandlyon", "declaration": GOOD | {"pce": OTHER}}, "wrong",
         line_check.OTHER_METER),
        (account("other"), "wrong", line_check.TAKEN),
        (account("other", **WAITING), "wrong", line_check.TAKEN),
        (account("other", **ENDED), "open", ""),
        (account("other", **MARK), "open", ""),
        ({"_id": "other", "account_type": "grdfgrandlyon", "declaration": GOOD}, "wrong", line_check.TAKEN),
    ],
    ids=str,
)  # fmt: skip
def test_a_line_beside_an_account(stored: dict[str, Any], verdict: str, reason: str) -> None:
    (found,) = check({**GOOD, "account": "home"}, accounts=(stored,))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert "other" not in found.reason.split(), "the log names no other account"
    if reason == line_check.TAKEN:
        assert found.detail == "account other"
        assert reasons({**GOOD, "account": "home"}, accounts=(stored,), several=True) == [""]


def test_what_this_import_has_declared_is_not_declared_again_although_the_holder_refuses() -> None:
    stored = account("home", consent={"unusable": "refused"}, declaration={"declared": "2026-11-02"})
    row = {**GOOD, "account": "home"}
    recorded = {("home", GOOD["pce"]): "2026-11-01"}
    assert check(row, accounts=(stored,), recorded=recorded)[0].verdict == "declared"
    assert check(row, accounts=(stored,))[0].verdict == "open", "another import may try again"
    stored["declaration"]["declared"] = "2025-11-02"
    assert check(row, accounts=(stored,), recorded=recorded)[0].verdict == "open", "this one was killed before it"
    assert check(row, accounts=(account("home", **MARK),), recorded=recorded)[0].verdict == "left"


def test_ids_are_chosen_once_and_anew_when_the_file_is_changed() -> None:
    lines = [Line(2, GOOD), Line(3, GOOD | {"pce": OTHER}), Line(4, {**GOOD, "account": "own"})]
    words = iter(["a", "a", "b", "c", "d"])
    progress = Progress("2026", "hash")
    holdings = Holdings([{"_id": "household-b", "account_type": "x"}])
    progress.choose_ids(lines, holdings, lambda: next(words))
    assert progress.ids == {2: "household-a", 3: "household-c"}
    again = Progress.read(progress.text())
    assert again == progress
    assert again.for_source("hash") is again
    again.choose_ids(lines, holdings, lambda: "never")
    assert again.ids == progress.ids

    changed = again.for_source("other")
    changed.choose_ids([Line(2, GOOD)], holdings, lambda: next(words))
    assert (changed.began, changed.ids) == ("2026", {2: "household-d"})
    assert Progress.read("{") is None


def test_the_result_names_lines_and_reasons() -> None:
    results = [Result(number, "", "wrong", "its pce is odd") for number in range(2, 62)]
    results.append(Result(70, "-x", "wrong", line_check.TAKEN, "account other"))
    first, second = report(results, "wrong")
    assert first.startswith("60 line(s): its pce is odd. Line 2, 3, ")
    assert first.endswith("51 and 10 more")
    assert second == f"1 line(s): {line_check.TAKEN}. Line 70", "the log names no other account"
    rows = to_csv(reversed(results)).splitlines()
    assert rows[0] == "line,account,outcome,reason"
    assert rows[1] == "2,,wrong,its pce is odd"
    assert rows[-1] == f"70,'-x,wrong,{line_check.TAKEN} (account other)"
