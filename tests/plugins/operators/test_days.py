"""Extraction and load, executed directly: which days a run asks for, what is staged between them, and what is noted."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from grdf.staging.staged_answers import Staging
from include.gas.account.status import Status
from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import account_range, id_range
from include.gas.documents.doctypes import DAY
from include.gas.documents.year_counts import stored_years
from include.gas.errors import FailNow
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    MemoryShelf,
    connect_cozy,
    context,
    days_of,
    enter_rights,
    give_back,
    known_account,
    lose,
    stored,
    yesterday,
)
from tests.history.steps import look_again, read
from tests.plugins.steps import REREAD, acquire, asked, document, extract, load

pytestmark = pytest.mark.usefixtures("home")


def test_everything_is_asked_for_under_a_new_right_and_else_the_run_s_day_and_those_before_it(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pce,) = known_account(clean, account_id, history=False)
    day, first = yesterday(clean), str(oldest_allowed(clean.control.today()))

    def asks(**more: Any) -> list[str]:
        extract(account_id, day, **more)
        calls = asked(clean)
        assert all(call[::2] == (pce, str(day + timedelta(days=1))) for call in calls)
        return [begin for _, begin, _ in calls]

    usual = [str(day - timedelta(days=REREAD))]
    assert asks(run_type="backfill") == [str(day)], "its own day"
    assert asks() == [first]
    load(account_id, extract(account_id, day))
    assert [begin for _, begin, _ in asked(clean)] == [first], "nothing was stored of what was asked for before"
    days = couchdb.range(DAY, *account_range(account_id, pce))
    couchdb.write(DAY, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in days[-90:]])
    assert asks() == usual, "whatever is stored"
    lose(clean, pce)
    look_again(pce)
    assert asks() == []
    give_back(clean, pce)
    look_again(pce)
    assert asks() == usual
    enter_rights(account_id, clean.control.consent([pce]))
    assert asks() == [first]
    load(account_id, extract(account_id, day))
    asked(clean)
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "5")
    assert asks() == [str(day - timedelta(days=5))]


def test_the_account_notes_what_is_stored_however_it_was_read(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pces = connect_cozy(clean, account_id, 2)
    acquire(account_id)
    day = yesterday(clean)

    def noted() -> dict[int, Any]:
        for pce in pces:
            days = couchdb.range(DAY, *account_range(account_id, pce))
            assert days
            assert Status.reading_of(document(clean, account_id), pce).by_year() == stored_years(days)
        return Status.reading_of(document(clean, account_id), pces[0]).by_year()

    load(account_id, extract(account_id, day))
    assert len(noted()) >= 3
    revision = document(clean, account_id)["_rev"]
    load(account_id, extract(account_id, day))
    assert document(clean, account_id)["_rev"] == revision, "nothing new"
    march = date(day.year - 1, 3, 1)
    lost = couchdb.range(DAY, *id_range(account_id, pces[0], march, march + timedelta(days=60)))
    couchdb.write(DAY, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in lost])
    read(account_id, march, march + timedelta(days=30))
    noted()


class Runs:
    """An account's runs, with the token that all accounts share."""

    def __init__(self, account_id: str) -> None:
        self._account_id, self._shelf = account_id, MemoryShelf()

    def requests(self, day: date) -> list[int]:
        """Run the four tasks for a gas day, and return the number of each one's requests to CouchDB."""
        sent: list[int] = []
        self._do(AcquireTokenOperator, day, sent)
        self._do(RescopeTokenOperator, day, sent)
        staged = self._do(ExtractOperator, day, sent)
        self._do(LoadOperator, day, sent, staged=staged)
        return sent

    def _do(self, kind: type[Any], day: date, sent: list[int], **more: Any) -> Any:
        task = kind(task_id=kind.__name__, account_id=self._account_id, **more)
        task.__dict__["adict"] = AdictHook(token_store=self._shelf)
        try:
            return task.execute(context(day, run_id=f"run {day}"))
        finally:
            sent.append(task.couchdb.requests_sent)


def test_a_daily_run_asks_couchdb_for_each_thing_once(clean: LocalWorld, account_id: str) -> None:
    """5,000 accounts do it each morning. The days, months and years, the account and its meter; then what is new."""
    connect_cozy(clean, account_id, 1)
    runs, day = Runs(account_id), yesterday(clean)
    runs.requests(day - timedelta(days=3))
    assert runs.requests(day - timedelta(days=2)) == [1, 0, 2, 9]
    assert runs.requests(day - timedelta(days=2)) == [1, 0, 2, 5], "nothing is new, and nothing is written"


# -- staging -----------------------------------------------------------------------------------------------------------


def files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "grdf" / "staging").rglob("*") if path.is_file())


def test_staged_answers_are_private_one_account_s_and_gone_after_the_load(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path
) -> None:
    (pce,) = known_account(clean, account_id)
    other = f"x-{int(account_id.rpartition('-')[2]) + 50_000}"
    known_account(clean, other)
    with pytest.raises(FailNow, match=account_id):
        load(account_id, extract(other, yesterday(clean)))
    assert stored(couchdb, account_id, pce) == {}
    staged = extract(account_id, yesterday(clean))
    file = files(home)[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Bearer" not in file.read_text()
    load(account_id, staged)
    assert not file.exists()
    assert load(account_id, staged, try_number=2) == {"account": account_id}, "an earlier try has stored them"
    with pytest.raises(FailNow, match=rf"{account_id}.*extract"):
        load(account_id, staged)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[: len(whole) // 2], "empty": lambda _: b"", "no text": lambda _: b"\xff\xfe\x00",
    "another shape": lambda _: b'{"pce": 7}', "rows of another shape": lambda _: b'[7, {"pce": "x"}]',
    "no day": lambda whole: whole.replace(b'"first":"', b'"first":"x'), "deep": lambda _: b"[" * 200_000,
}  # fmt: skip


def test_a_file_of_which_nothing_can_be_read_fails_its_own_run_alone(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path
) -> None:
    (pce,) = known_account(clean, account_id)
    broken: set[Path] = set()
    for name, damage in DAMAGES.items():
        staged = extract(account_id, yesterday(clean), run_id=name)
        (file,) = set(files(home)) - broken
        file.write_bytes(damage(file.read_bytes()))
        broken.add(file)
        with pytest.raises(FailNow, match=rf"{account_id}.*cannot be read"):
            load(account_id, staged, run_id=name)
    load(account_id, extract(account_id, yesterday(clean), run_id="next"), run_id="next")
    assert len(days_of(stored(couchdb, account_id, pce))) > 30
    assert Staging(f"file://{home}/grdf/staging").remove_all(account_id) == len(DAMAGES), "a deletion finds them"
