"""A staged file that cannot be read is reported, and does not block anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.staging.area import AnswersGone, Staging
from include.gas.errors import FailNow
from tests.helpers import days_of, known_account, stored, yesterday
from tests.plugins.steps import extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[: len(whole) // 2], "empty": lambda _: b"", "no text": lambda _: b"\xff\xfe\x00",
    "another shape": lambda _: b'{"pce": 7}', "rows of another shape": lambda _: b'[7, {"pce": "x"}]',
    "no day": lambda whole: whole.replace(b'"first":"', b'"first":"x'), "deep": lambda _: b"[" * 200_000,
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home with a separate staging folder."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


def files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "grdf" / "staging").rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_former_run_s_file_stops_no_other(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path, damage: str
) -> None:
    (pce,) = known_account(clean, account_id)
    extract(account_id, yesterday(clean), run_id="died")
    (former,) = files(home)
    former.write_bytes(DAMAGES[damage](former.read_bytes()))
    staged = extract(account_id, yesterday(clean), run_id="next")
    assert load(account_id, staged, run_id="next")["new"] > 30
    assert days_of(stored(couchdb, account_id, pce))
    assert files(home) == [former]
    assert Staging(f"file://{home}/grdf/staging").remove_all(account_id) == 1, "a deletion finds it"


def test_a_file_of_which_nothing_can_be_read_fails_its_own_run_alone(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path
) -> None:
    known_account(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    files(home)[0].write_text("{")
    with pytest.raises(FailNow, match=rf"{account_id}.*cannot be read"):
        load(account_id, staged)
    assert load(account_id, extract(account_id, yesterday(clean)))["new"] > 30


def test_answers_that_are_gone_may_be_on_another_disk(tmp_path: Path) -> None:
    place = Staging(f"file://{tmp_path}/staging")
    with pytest.raises(AnswersGone, match=r"home.*gone.*another disk.*\[grdf\] staging_url.*s3://.*extract"):
        place.get("home", "run")
