"""The lake: equal to CouchDB after any run, nothing of who has left, and nothing written when nothing changed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.exports.export_lake import SECRET, ExportLakeOperator
from grdf.staging.folder import Folder
from grdf.stores.removal import Remover
from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.documents.day_documents import account_range, day_id
from include.gas.documents.doctypes import ACCOUNT, DATA, DAY, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.gas.errors import BadSettings
from include.gas.lake.rows import Pseudonyms
from tests.helpers import context

PCE = {"lake-1": "09999999900017", "lake-2": "09999999900024", "lake-3": "GI999042"}
FIRST, DAYS = date(2025, 12, 20), 50
SAID = Pseudonyms("an invented secret")
Lake = Any


@pytest.fixture
def couchdb(own: Any, monkeypatch: pytest.MonkeyPatch) -> CouchDBHook:
    """A CouchDB with three households, one of them leaving soon."""
    monkeypatch.setenv(f"AIRFLOW_VAR_{SECRET.upper()}", "an invented secret")
    hook = CouchDBHook()
    hook.create_database(ACCOUNT)
    for number, (account, pce) in enumerate(PCE.items()):
        own.book.save({"_id": account, "account_type": "grdfgrandlyon"})
        read(hook, account, {FIRST + timedelta(at): at + number / 8 for at in range(DAYS)})
        hook.put(DAY, {"_id": f"{account}:{pce}:note", "load": 1e6, "by": "another program"})
    return hook


@pytest.fixture(params=["file", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    bucket = "" if request.param == "file" else request.getfixturevalue("store").bucket
    url = f"s3://lake@{bucket}/{tmp_path.name}" if bucket else f"file://{tmp_path}/lake"
    monkeypatch.setenv("AIRFLOW__GRDF__LAKE_URL", url)
    return Folder(url)


def read(couchdb: CouchDBHook, account: str, loads: dict[date, float], hour: int = 0, **more: Any) -> None:
    readings = [Reading(day, load, measures={"volume": load / 11, "index_end": 12345}) for day, load in loads.items()]
    store_readings(couchdb, account, PCE[account], readings, f"2026-03-01T{hour:02}:00:00Z", **more)


def export() -> dict[str, int]:
    return dict(ExportLakeOperator(task_id="export_lake").execute(context()))


def files(lake: Folder) -> dict[str, bytes]:
    return {path: lake.read(path) or b"" for path in lake.paths()}


def all_said(lake: Folder) -> str:
    """Return all that the files say: their bytes with the statistics, and what is compressed in them."""
    found = files(lake)
    tables = [parquet.read_table(BytesIO(found[path])).to_pylist() for path in found if path.endswith(".parquet")]
    return f"{b''.join(found.values())!r}{tables}"


def check_equal(lake: Folder, couchdb: CouchDBHook, folder: Path) -> None:
    """Hold what DuckDB reads of the lake against CouchDB."""
    for path, content in files(lake).items():
        (file := folder / path).parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for table, doctype in {"days": DAY, "months": MONTH, "years": YEAR}.items():
        rows = duckdb.sql(
            f"SELECT account, meter, first, load, volume FROM read_parquet('{folder}/{table}/**/*.parquet', "
            f"hive_partitioning = true) WHERE year = year(first) {'AND month = month(first)' * (doctype != YEAR)}"
        ).fetchall()
        assert sorted(rows) == sorted(
            (SAID[each["account"]], SAID[f"{each['account']}:{each['pce']}"],
             date(each["year"], each["month"], each["day"]), each["load"], each["volume"])
            for each in couchdb.scan(doctype) if "account" in each
        )  # fmt: skip


def test_the_lake_equals_couchdb_whatever_happens_to_a_day(
    lake: Folder, couchdb: CouchDBHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export() | {"files": 0} == {"days": 3 * DAYS, "months": 9, "years": 6, "files": 0, "removed": 0}
    check_equal(lake, couchdb, tmp_path / "1")
    before = files(lake)
    assert sum(export().values()) == 0
    assert files(lake) == before
    assert not [each for each in (*PCE, *PCE.values(), "12345") if each in all_said(lake)]

    read(couchdb, "lake-1", {FIRST + timedelta(30): 777.125}, hour=1)  # corrected
    gone = FIRST + timedelta(31)
    allowed = [Window(FIRST, gone), Window(gone + timedelta(1), gone + timedelta(99))]
    read(couchdb, "lake-2", {FIRST + timedelta(32): 5}, hour=1, allowed=allowed)  # a day of somebody else's right
    assert export()["files"] == 3, "the month of days, the month's and the year's totals"
    check_equal(lake, couchdb, tmp_path / "2")
    assert not couchdb.fetch(DAY, [day_id("lake-2", PCE["lake-2"], gone)])

    leave(couchdb, "lake-3")
    assert export()["removed"] == DAYS + 3 + 2
    check_equal(lake, couchdb, tmp_path / "3")
    assert SAID["lake-3"] not in all_said(lake)
    assert SAID["lake-2"] in all_said(lake)
    assert "2 foyers" in files(lake)["README.md"].decode()

    old = date(2022, 12, 31)
    read(couchdb, "lake-1", {old: 1, old + timedelta(1): 2}, hour=2)
    export()
    check_equal(lake, couchdb, tmp_path / "4")
    monkeypatch.setenv("AIRFLOW__GRDF__DAYS_KEPT_YEARS", str(paris_today(datetime.now(UTC)).year - 2023))
    remover = Remover(couchdb.administrator())
    assert export()["removed"] == 1
    monkeypatch.delenv("AIRFLOW__GRDF__DAYS_KEPT_YEARS")
    export()
    check_equal(lake, couchdb, tmp_path / "5")
    for account in ("lake-1", "lake-2"):
        remover.remove(ACCOUNT, account)
    before = files(lake)
    with pytest.raises(BadSettings, match="no account"):
        export()
    assert files(lake) == before, "as after a loss"


def leave(couchdb: CouchDBHook, account: str) -> None:
    remover = Remover(couchdb.administrator())
    for doctype in DATA:
        remover.remove_range(doctype, *account_range(account))
    remover.remove(ACCOUNT, account)


@pytest.mark.parametrize("lake", ["file"], indirect=True)
def test_a_run_that_is_killed_anywhere_is_repeated(
    lake: Folder, couchdb: CouchDBHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(couchdb, "lake-1", {FIRST: 1})

    unlink = Path.unlink

    class Killed(BaseException):
        pass

    for tries in range(60):
        left, is_dead = [1] * (tries % 3), False

        def replace(draft: Path, target: Path) -> None:
            nonlocal is_dead
            if is_dead := not left:  # noqa: B023 - of this try
                raise Killed
            draft.rename(target)
            left.pop()  # noqa: B023

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            patch.setattr(Path, "unlink", lambda path, **more: None if is_dead else unlink(path, **more))  # noqa: B023
            try:
                export()
                break
            except Killed:
                if tries == 5:
                    leave(couchdb, "lake-3")
                    read(couchdb, "lake-2", {FIRST: 99}, hour=1)
    assert 8 < tries < 59
    export()
    check_equal(lake, couchdb, tmp_path / "copy")
    assert not [path for path in lake.paths() if Path(path).name.startswith(".")], "drafts of killed runs are gone"
    assert SAID["lake-3"] not in all_said(lake)


@pytest.mark.parametrize("lake", ["file"], indirect=True)
def test_another_secret_makes_another_lake(lake: Folder, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch) -> None:
    export()
    lake.write("LICENSE", b"the city's")
    monkeypatch.setenv(f"AIRFLOW_VAR_{SECRET.upper()}", "another secret")
    assert export()["days"] == 3 * DAYS
    assert SAID["lake-1"] not in all_said(lake)
    assert {"LICENSE", "README.md", "schema.json"} < {*lake.paths()}
    fields = [each["name"] for each in json.loads(lake.read("schema.json") or b"")["tables"][0]["schema"]["fields"]]
    shown = duckdb.sql(f"DESCRIBE FROM '{lake.url[7:]}/days/*/*/*.parquet'").fetchall()
    assert [*fields, "month", "year"] == [name for name, *_ in shown]


def test_a_place_is_needed_and_no_account_yet(own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings, match="lake_url"):
        export()
    monkeypatch.setenv("AIRFLOW__GRDF__LAKE_URL", f"file://{tmp_path}/lake")
    monkeypatch.setenv(f"AIRFLOW_VAR_{SECRET.upper()}", "an invented secret")
    assert sum(export().values()) == 0
