"""The steps of an account's DAG, executed directly: from a grant to its meters, and from days to what is noted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from grdf.airflow.retries import GasRetryPolicy
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from grdf.staging.staged_answers import Staging
from include.gas.account.status import Status
from include.gas.documents.day_documents import account_range, id_range
from include.gas.documents.doctypes import DAY
from include.gas.documents.year_counts import stored_years
from include.gas.errors import CredentialsRefused, FailNow, IdTokenRefused, ServiceUnavailable
from include.sandbox.connect import consent, cozy_account
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    MemoryShelf,
    connect_code,
    connect_cozy,
    context,
    days_of,
    holder,
    known_account,
    lose,
    stored,
    yesterday,
)
from tests.history.steps import read
from tests.leaving.runs import check
from tests.plugins.steps import acquire, document, extract, load


def edit(world: LocalWorld, account_id: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    stored = document(world, account_id)
    change(stored)
    world.book.save(stored)
    return document(world, account_id)


@pytest.mark.parametrize("as_cozy", [True, False])
def test_a_meter_that_a_new_consent_does_not_name_stays(clean: LocalWorld, account_id: str, as_cozy: bool) -> None:
    first, second = known_account(clean, account_id, 2)
    grant = consent(clean.facts, holder(account_id))  # only of the first meter

    def connect_again(stored: dict[str, Any]) -> None:
        stored.update(state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_partial=True, oauth=dict(grant))
        if as_cozy:
            fresh = cozy_account(account_id, grant, clean.facts)
            stored["oauth"] = fresh["oauth"]
            stored["oauth_callback_results"] |= fresh["oauth_callback_results"]

    known = edit(clean, account_id, connect_again)["oauth_callback_results"]["consents"]
    before = {each["pce"]: each for each in known}
    assert acquire(account_id) == {"account": account_id, "meters": 2, "first_launch": True}
    renewed, kept = document(clean, account_id)["oauth_callback_results"]["consents"]
    assert (renewed["pce"], kept) == (first, before[second])
    assert renewed["id_accreditation"] != before[first]["id_accreditation"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [({"status": 401, "body": {"error": "invalid_client"}}, CredentialsRefused), ({"status": 503}, ServiceUnavailable)],
)
def test_what_is_no_fault_of_the_household_s_leaves_the_code_for_the_next_try(
    clean: LocalWorld, account_id: str, fault: dict[str, Any], kind: type[Exception]
) -> None:
    connect_code(clean, account_id)
    before = document(clean, account_id)
    clean.control.fault("access_token", **fault)
    with pytest.raises(kind) as caught:
        acquire(account_id)
    assert document(clean, account_id) == before
    if kind is ServiceUnavailable:
        delay = GasRetryPolicy().evaluate(caught.value, 1, 3).retry_delay
        assert delay == timedelta(seconds=30), "a code lives for minutes"
        assert acquire(account_id, try_number=2)["first_launch"]


@pytest.mark.parametrize("what", ["expired", "forged", "expired, and asked to act"])
def test_a_new_id_token_that_cannot_be_used(clean: LocalWorld, account_id: str, what: str) -> None:
    """cozy-stack has connected an account again without a request of ours."""
    (pce,) = connect_cozy(clean, account_id)
    acquire(account_id)
    consents = document(clean, account_id)["oauth_callback_results"]["consents"]
    if "asked to act" in what:
        lose(clean, pce)
        check()
    fresh = cozy_account(account_id, consent(clean.facts, holder(account_id)), clean.facts)
    token = fresh["oauth_callback_results"]["id_token"]
    if what == "forged":
        token = f"{token.rpartition('.')[0]}.AAAA"
    else:  # as on the next morning
        claims = jwt.decode(token, options={"verify_signature": False})
        old = {name: int(claims[name] - timedelta(hours=14).total_seconds()) for name in ("iat", "exp")}
        token = jwt.encode(claims | old, clean.facts["client_secret"])

    def renew(stored: dict[str, Any]) -> None:
        stored["oauth"] = fresh["oauth"]
        stored["oauth_callback_results"] |= fresh["oauth_callback_results"] | {"id_token": token}

    before = edit(clean, account_id, renew)
    if "asked to act" in what:
        with pytest.raises(IdTokenRefused, match="expired"):
            acquire(account_id)
        return
    assert acquire(account_id)["meters"] == 1, "its meters are read on"
    after = document(clean, account_id)
    if what == "forged":
        assert after == before
    else:
        assert token not in json.dumps(after)
        assert after["oauth_callback_results"]["consents"] == consents
        assert not after.get("state")


pytestmark = pytest.mark.usefixtures("home")


def test_the_account_notes_what_is_stored_however_it_was_read(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = connect_cozy(clean, account_id)
    acquire(account_id)
    day = yesterday(clean)

    def noted() -> dict[int, Any]:
        days = couchdb.range(DAY, *account_range(account_id, pce))
        found = Status.reading_of(document(clean, account_id), pce).by_year()
        assert found == stored_years(days)
        return found

    load(account_id, extract(account_id, day))
    assert len(noted()) >= 3
    march = date(day.year - 1, 3, 1)
    lost = couchdb.range(DAY, *id_range(account_id, pce, march, march + timedelta(days=60)))
    couchdb.write(DAY, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in lost])
    read(account_id, march, march + timedelta(days=30))
    noted()


class Runs:
    def __init__(self, account_id: str) -> None:
        self._account_id, self._shelf = account_id, MemoryShelf()

    def requests(self, day: date) -> list[int]:
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


def files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "grdf" / "staging").rglob("*") if path.is_file())


def test_staged_answers_are_one_account_s_and_gone_after_the_load(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, home: Path
) -> None:
    (pce,) = known_account(clean, account_id)
    other = f"x-{int(account_id.rpartition('-')[2]) + 50_000}"
    known_account(clean, other)
    with pytest.raises(FailNow, match=account_id):
        load(account_id, extract(other, yesterday(clean)))
    assert stored(couchdb, account_id, pce) == {}
    staged = extract(account_id, yesterday(clean))
    assert "Bearer" not in files(home)[0].read_text()
    load(account_id, staged)
    assert [file for file in files(home) if account_id in str(file)] == []
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
