"""Files of households to import, in a local folder and in an object store."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import ObjectStoragePath

from grdf.staging.area import Staging
from grdf.staging.imports import Imports
from include.gas.errors import BadRequest

HOMES = b"account,pce,name,postcode,email\nhome,09999999900017,Durand-Invente,69001,d@example.org\n"


@pytest.fixture
def imports(place: Staging) -> Imports:
    return Imports(place.base_url)


def test_a_file_is_stored_once_and_read(imports: Imports) -> None:
    assert imports.content("homes.csv") is None
    assert imports.waiting() == []
    assert imports.upload("homes.csv", b"\xef\xbb\xbf" + HOMES) == 1
    assert imports.content("homes.csv") == HOMES
    with pytest.raises(BadRequest, match="there is a file homes"):
        imports.upload("homes.csv", HOMES)
    with pytest.raises(BadRequest, match="is not a header"):
        imports.upload("more.csv", HOMES.replace(b"name", b"Durand"))
    assert imports.waiting() == ["homes.csv"]


def test_the_result_lies_beside_it(imports: Imports) -> None:
    imports.upload("homes.csv", HOMES)
    imports.write("homes.result.csv", b"line,account\n")
    assert imports.content("homes.result.csv") == b"line,account\n"
    assert imports.waiting() == ["homes.csv"], "the other is our own"
    assert imports.waiting(results=True) == ["homes.result.csv"]
    imports.remove("homes.csv")
    assert imports.content("homes.csv") is None
    assert imports.waiting(results=True) == ["homes.result.csv"]


def old(imports: Imports, before: datetime) -> int:
    return Staging(imports.url.removesuffix("/import")).remove_old(before)


def test_old_files_are_removed(imports: Imports) -> None:
    imports.upload("homes.csv", HOMES)
    imports.write("homes.result.csv", b"line,account\n")
    assert old(imports, datetime.now(UTC) - timedelta(minutes=5)) == 0
    assert old(imports, datetime.now(UTC) + timedelta(minutes=5)) == 2
    assert (imports.waiting(), imports.waiting(results=True)) == ([], [])


def test_what_other_programs_leave_goes_too(imports: Imports) -> None:
    """They may be copies of a file of households."""
    imports.upload("homes.csv", HOMES)
    for name in ("homes.csv~", ".homes.csv.swp", ".homes.csv.0123abcd", "homes.xlsx", "old/homes.csv"):
        path = ObjectStoragePath(f"{imports.url}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(HOMES)
    assert old(imports, datetime.now(UTC) - timedelta(minutes=5)) == 0
    assert old(imports, datetime.now(UTC) + timedelta(minutes=5)) == 6
    assert old(imports, datetime.now(UTC) + timedelta(minutes=5)) == 0


@pytest.mark.parametrize("dated", [1.6e9, 4e9])
def test_a_copy_with_the_times_of_its_original_is_as_old_as_the_copy(imports: Imports, dated: float) -> None:
    """As ``cp -p``, ``rsync -a`` and ``unzip`` make it. An object store knows only when it was given a file."""
    imports.upload("homes.csv", HOMES)
    if imports.url.startswith("file://"):
        os.utime(f"{imports.url.removeprefix('file://')}/homes.csv", (dated, dated))
    assert old(imports, datetime.now(UTC) - timedelta(minutes=5)) == 0
    assert imports.waiting() == ["homes.csv"]
    assert old(imports, datetime.now(UTC) + timedelta(minutes=5)) == 1
