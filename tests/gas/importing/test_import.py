"""An import: the CSV file as spreadsheets write it, and what is wrong with it and with each of its lines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.account.declaration import declaration_section
from include.gas.account.marks import BY_LINK
from include.gas.account.status import Status
from include.gas.errors import BadRequest
from include.gas.importing import line_check
from include.gas.importing.csv_file import MOST_BYTES, MOST_LINES, check_name, read_lines
from include.gas.importing.line_check import ImportLine, check_against_account, check_lines, result_csv
from include.gas.rights.meter_rights import Meter, MeterAccess, Right
from include.gas.rights.transitions import Claimant

HEADER = "account,pce,name,postcode,email\n"
ROW = "home,09999999900017,Durand,69001,m@example.org\n"
GOOD = {"pce": "09999999900017", "name": "Durand", "postcode": "69001", "email": "m@example.org"}


def test_what_spreadsheets_write_is_read() -> None:
    assert read_lines((HEADER + ROW).encode())[2] == GOOD | {"account": "home"}
    french = "\ufeff EMAIL ;PCE;Name;Postcode\r\nm@example.org;GI999042;Dùrand;69001\r\n"
    assert [*read_lines(french.encode()).values()] == [GOOD | {"pce": "GI999042", "name": "Dùrand"}]
    lines = read_lines((HEADER + "\n" + ROW + ',,,,\nhome,1,"Du ""le"" rand, fils",69001,x\r' + ROW).encode())
    assert ([*lines], lines[5]["name"]) == ([3, 5, 6], 'Du "le" rand, fils'), "numbered as an editor does"
    lines = read_lines((HEADER + "home,099\n" + ROW + ROW.strip() + ",,,\n" + ",,,,,more\n").encode())
    assert [bool(cells) for cells in lines.values()] == [False, True, True, False], "one that is cut is wrong alone"
    wide = HEADER.strip() + "," * 30 + "\n" + (ROW.strip() + "," * 30 + "\n") * MOST_LINES
    assert len(read_lines(wide.encode())) == MOST_LINES


NO_HEADER, LINES = "its first line is not a header", "1 to 10,000 lines"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", LINES), ("\n \n", LINES), (HEADER, LINES), (HEADER + ROW * (MOST_LINES + 1), LINES),
        (ROW + ROW, NO_HEADER), (HEADER.rstrip() + "," + ROW + ROW, NO_HEADER),
        ("\n" + HEADER.replace("email", "mail,colour") + ROW, NO_HEADER + " .* account, pce"),
        ("pce,Durand,69001,d@example.org\n" + ROW, NO_HEADER),
        (HEADER.replace("account", "name") + ROW, "each once"),
        ("account,pce\nhome,1\n", "It needs pce, postcode, email, and name or company"),
        (HEADER + 'home,"1\n2\n', "line 3 has quotation"), (HEADER + 'home,"1"2,,,\n', "line 2 has quotation"),
        (HEADER + "x" * MOST_BYTES, "more than 10,000,000 bytes"),
        ((HEADER + ROW.replace("Durand", "Hélène")).encode("latin-1"), "is not UTF-8"),
        ((HEADER + ROW).encode("utf-16"), "is not UTF-8"),
    ],
    ids=lambda each: str(each)[:30],
)  # fmt: skip
def test_a_file_that_cannot_be_read(text: Any, message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        read_lines(text if isinstance(text, bytes) else text.encode())
    assert "Nothing was done" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Durand", "durand", "example.org"))


def test_a_name_that_an_import_may_not_have() -> None:
    assert check_name("homes-2026_11.csv") == "homes-2026_11.csv"
    odd = ("", "../x.csv", "a/b.csv", "a\\b.csv", ".x.csv", "x.txt", "x.csv\n", "x.result.csv", "x.CSV", None, 1)
    for name in (*odd, "x" * 101 + ".csv"):
        with pytest.raises(BadRequest, match="name of the file is not valid"):
            check_name(name)


TODAY, BEGAN = date(2026, 11, 30), "2026-11-30T07:00:00.000000Z"
OTHER = "09999990000042"


def account(name: str, pce: str = GOOD["pce"], **more: Any) -> dict[str, Any]:
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": f"right-of-{name}"}]}
    return {"_id": name, "account_type": "grdfgrandlyon", "oauth_callback_results": results, **more}


def right(name: str, state: Any = "active", **more: Any) -> Right:
    more = {"since": "2026-01-02T03:04:05+00:00", "was_active": state == "active"} | more
    return Right(client="grdf_adict", id=f"right-of-{name}", account=name, way="declared", state=state, **more)


def check(*rows: dict[str, str]) -> list[ImportLine]:
    return check_lines(dict(enumerate(rows, start=2)))


def beside(stored: dict[str, Any] | None, *rights: Right, shared: bool = False, left: bool = False) -> ImportLine:
    (line,) = check(GOOD | {"account": "home"})
    who = Claimant("home", "grdf_adict", "2026-11-30T08:00:00.000000Z", TODAY, shared=shared)
    return check_against_account(line, stored, Meter(pce=GOOD["pce"], rights=rights), who, began=BEGAN, left=left)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(({"pce": pce}, line_check.DIGITS_LOST) for pce in ("9999999900017", "1E+13", "9,99999E+12")),
        ({"postcode": "1000"}, line_check.DIGITS_LOST), ({"pce": "12"}, "14 digits, or GI and 6 digits"),
        ({"postcode": "Lyon"}, "its postcode is not 5 digits"), ({"email": "m.example.org"}, "not an e-mail address"),
        ({"company": "Exemple SARL"}, "either name or company"), ({"name": ""}, "either name or company"),
        ({"name": "Du\nrand"}, "its name is not"), ({"phone": "call me"}, "not a phone number"),
        ({"perimeters": "publiees"}, "do not include informatives"), ({"perimeters": "informatives all"}, ""),
        ({"first": "27/11/2026"}, "not a day such as 2026-11-27"), ({"account": "_x"}, line_check.BAD_ACCOUNT),
        ({"first": "2026-11-27", "end": "2026-11-27"}, "after first"), ({"account": "Mme D"}, line_check.BAD_ACCOUNT),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_by_itself(change: dict[str, str], reason: str) -> None:
    (found,) = check(GOOD | change)
    assert (found.outcome, found.declaration, found.account) == ("wrong", None, "")
    assert reason in found.reason
    assert not any(value in found.reason for value in change.values() if len(value) > 4 and "E+" not in value)


def test_good_lines_and_those_that_contradict_each_other() -> None:
    row = GOOD | {"pce": "0999 9999 900017", "perimeters": "Informatives|publiées + techniques", "first": "2024-01-01"}
    (found,) = check(row)
    assert (found.outcome, found.reason) == ("to declare", "")
    assert found.declaration
    perimeters = ["informatives", "publiees", "techniques"]
    assert declaration_section(found.declaration) == GOOD | {"perimeters": perimeters, "first": "2024-01-01"}
    twice, home, odd = line_check.TWICE, GOOD | {"account": "home"}, GOOD | {"email": "x"}
    for rows, reasons in (
        ([{}, GOOD], [line_check.CUT, ""]),
        ([GOOD, odd, GOOD], [twice, "its email is not an e-mail address", twice]),
        ([home, home | {"pce": OTHER}], [twice, twice]),
        ([GOOD, GOOD | {"pce": OTHER}], ["", ""]),
    ):
        assert [each.reason for each in check(*rows)] == reasons


OURS = {"_id": "home", "account_type": "grdfgrandlyon"}
MARK = {"leaving": {"run": "r", "by": "x", "since": "2026-01-01"}}
BEHIND = Status.with_access(OURS, [MeterAccess(pce=GOOD["pce"], word="behind")])
IN_RUN, SOON, LATER = "2026-11-30T07:30:00.000000Z", TODAY + timedelta(days=7), TODAY + timedelta(days=700)
DECLARE, CONNECTED = ("to declare", ""), ("connected", line_check.CONNECTED)
WRONG, TAKEN = ("wrong", line_check.OTHER), ("to declare", line_check.TAKEN)


def asks(base: dict[str, Any] = OURS, **more: Any) -> dict[str, Any]:
    return base | {"declaration": GOOD | more}


@pytest.mark.parametrize(
    ("stored", "rights", "found"),
    [
        (account("home"), [right("home")], CONNECTED), (account("home"), [right("home", calls_until=LATER)], CONNECTED),
        (account("home"), [right("home", calls_until=SOON)], DECLARE), (account("home"), [], DECLARE),
        (account("home"), [right("home", "waiting")], CONNECTED),
        (account("home"), [right("home", "ended", ended_on=TODAY)], DECLARE),
        (account("home", OTHER), [], WRONG), (account("home", **MARK), [right("home")], ("wrong", "it is leaving")),
        (account("home", leaving={"by": BY_LINK}), [right("home")], ("refused", line_check.WITHDRAWN)),
        (account("home") | {"oauth_callback_results": []}, [right("home")], ("wrong", "oauth_callback_results")),
        ({"_id": "home", "account_type": "edf"}, [], ("wrong", "its account_type is not grdfgrandlyon")),
        (OURS, [], DECLARE), (asks(email="x@x.org"), [], WRONG), (asks(pce=OTHER), [], WRONG),
        *((asks(), rights, DECLARE) for rights in ([], [right("home", calls_until=SOON)], [right("home", "waiting")])),
        (asks(refused=True, refused_because="its postcode", entered_at=BEGAN[:10]), [], DECLARE),
        (asks(refused=True, refused_because="its postcode", entered_at=IN_RUN), [], ("refused", "its postcode")),
        (asks(BEHIND, entered_at=BEGAN[:10]), [right("other")], TAKEN),
        (asks(BEHIND, entered_at=IN_RUN), [right("other")], ("waiting", line_check.WAITS)),
        (account("home"), [right("home", "refused")], DECLARE),
        (account("home"), [right("home", "refused", since=IN_RUN)], CONNECTED),
        (None, [right("other")], TAKEN), (None, [right("other", "ended", ended_on=TODAY)], DECLARE),
        (None, [right("home", "asked", since="2026-11-30T07:59:00.000000Z")], DECLARE),
    ],
    ids=str,
)  # fmt: skip
def test_a_line_beside_what_there_is(stored: Any, rights: list[Right], found: tuple[str, str]) -> None:
    line = beside(stored, *rights)
    assert line.outcome == found[0]
    assert found[1] in line.reason
    if found == TAKEN:
        assert beside(stored, *rights, shared=True).reason == ""
    left = beside(None, left=True)
    assert (left.outcome, left.reason) == ("refused", line_check.LEFT), "an id is not used twice"


def test_the_result_names_lines_and_reasons() -> None:
    odd, taken = ImportLine(2, "").with_outcome("wrong", "odd"), ImportLine(70, "-x").with_outcome("wrong", "taken")
    assert result_csv([odd, taken]).splitlines() == [
        "line,account,outcome,reason",
        "2,,wrong,odd",
        "70,'-x,wrong,taken",
    ]
