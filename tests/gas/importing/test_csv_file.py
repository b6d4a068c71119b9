"""A CSV file as spreadsheets write it, and everything that may be wrong with the file as a whole."""

from __future__ import annotations

import pytest

from include.gas.errors import BadRequest
from include.gas.importing.csv_file import MOST_BYTES, MOST_LINES, check_name, read_lines

HEADER = "account,pce,name,postcode,email\n"
ROW = "home,09999999900017,Durand,69001,m@example.org\n"


def test_what_spreadsheets_write_is_read() -> None:
    assert read_lines((HEADER + ROW).encode())[2] == {
        "account": "home", "pce": "09999999900017", "name": "Durand", "postcode": "69001", "email": "m@example.org",
    }  # fmt: skip
    french = "﻿E-Mail;PCE;Name;Postcode\r\n".replace("E-Mail", " EMAIL ") + "m@example.org;GI999042;Dùrand;69001\r\n"
    (cells,) = read_lines(french.encode()).values()
    assert cells["name"] == "Dùrand"
    assert cells["email"] == "m@example.org"


def test_lines_are_numbered_as_an_editor_does() -> None:
    text = HEADER + "\n" + ROW + ',,,,\nhome,1,"Du ""le"" rand, fils",69001,x\r' + ROW
    lines = read_lines(text.encode())
    assert [*lines] == [3, 5, 6]
    assert lines[5]["name"] == 'Du "le" rand, fils'


def test_a_line_that_is_cut_is_wrong_alone() -> None:
    lines = read_lines((HEADER + "home,099\n" + ROW + ROW.strip() + ",,,\n" + ",,,,,more\n").encode())
    assert [bool(cells) for cells in lines.values()] == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1 to 10,000 lines"),
        ("\n \n", "1 to 10,000 lines"),
        (HEADER, "1 to 10,000 lines"),
        (ROW + ROW, "its first line is not a header"),
        ("\n" + HEADER.replace("email", "mail,colour") + ROW, "its first line is not a header .* account, pce"),
        (HEADER.rstrip() + "," + ROW + ROW, "its first line is not a header"),
        ("pce,Durand,69001,d@example.org\n" + ROW, "its first line is not a header"),
        (HEADER.replace("email", "name") + ROW, "its first line is not a header"),
        (HEADER.replace("account", "name") + ROW, "each once"),
        ("account,pce\nhome,1\n", "It needs pce, postcode, email, and name or company"),
        (HEADER + 'home,"1\n2\n', "line 3 has quotation marks"),
        (HEADER + 'home,"1"2,,,\n', "line 2 has quotation marks"),
        (HEADER + ROW * (MOST_LINES + 1), "1 to 10,000 lines"),
        (HEADER + "x" * MOST_BYTES, "more than 10,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        read_lines(text.encode())
    assert "Nothing was sent" in str(caught.value)
    assert not any(told in str(caught.value) for told in ("Durand", "durand", "example.org"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding(encoding: str) -> None:
    with pytest.raises(BadRequest, match="is not UTF-8"):
        read_lines((HEADER + ROW.replace("Durand", "Hélène")).encode(encoding))


@pytest.mark.parametrize(
    "name", ["", "../x.csv", "a/b.csv", "a\\b.csv", ".x.csv", "-x.csv", "x.txt", "x.csv\n", "x.result.csv",
             "x" * 101 + ".csv", "x.CSV", None, 1],
)  # fmt: skip
def test_a_name_that_an_import_may_not_have(name: object) -> None:
    with pytest.raises(BadRequest, match="name of the file is not valid"):
        check_name(name)
    assert check_name("homes-2026_11.csv") == "homes-2026_11.csv"


def test_wide_and_long_files_are_parsed() -> None:
    with pytest.raises(BadRequest, match="its first line is not a header"):
        read_lines((HEADER.strip() + ",x" * 499_000 + "\n" + ROW).encode())
    wide = HEADER.strip() + "," * 30 + "\n" + (ROW.strip() + "," * 30 + "\n") * MOST_LINES
    assert len(read_lines(wide.encode())) == MOST_LINES
