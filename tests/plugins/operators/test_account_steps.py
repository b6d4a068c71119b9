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
from grdf.hooks.couchdb import CouchDBHook
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
    days_of,
    holder,
    known_account,
    lose,
    stored,
    yesterday,
)
from tests.history.steps import read
from tests.leaving.runs import acquire, check, extract, load
from tests.plugins.steps import document
from tests.runs.account_run import run


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


@pytest.mark.parametrize("asked_to_act", [False, True])
def test_a_new_id_token_that_has_expired(clean: LocalWorld, account_id: str, asked_to_act: bool) -> None:
    """cozy-stack has connected an account again without a request of ours, and its first run is on the next morning."""
    (pce,) = connect_cozy(clean, account_id)
    acquire(account_id)
    consents = document(clean, account_id)["oauth_callback_results"]["consents"]
    if asked_to_act:
        lose(clean, pce)
        check()
    fresh = cozy_account(account_id, consent(clean.facts, holder(account_id)), clean.facts)
    claims = jwt.decode(fresh["oauth_callback_results"]["id_token"], options={"verify_signature": False})
    old = {name: int(claims[name] - timedelta(hours=14).total_seconds()) for name in ("iat", "exp")}
    token = jwt.encode(claims | old, clean.facts["client_secret"])
    stored = document(clean, account_id)
    results = stored["oauth_callback_results"] | fresh["oauth_callback_results"] | {"id_token": token}
    clean.book.save(stored | {"oauth": fresh["oauth"], "oauth_callback_results": results})
    if asked_to_act:
        with pytest.raises(IdTokenRefused, match="expired"):
            acquire(account_id)
        return
    assert acquire(account_id)["meters"] == 1, "its meters are read on"
    after = document(clean, account_id)
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

    load(account_id, extract(account_id, day, try_number=1))
    assert len(noted()) >= 3
    march = date(day.year - 1, 3, 1)
    lost = couchdb.range(DAY, *id_range(account_id, pce, march, march + timedelta(days=60)))
    couchdb.write(DAY, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in lost])
    read(account_id, march, march + timedelta(days=30))
    noted()


def test_a_daily_run_asks_couchdb_for_each_thing_once(clean: LocalWorld, account_id: str) -> None:
    """5,000 accounts do it each morning. The days, months and years, the account and its meter; then what is new."""
    (pce,), shelf = connect_cozy(clean, account_id), MemoryShelf()

    def requests() -> list[int]:
        done = run(clean, account_id, shelf=shelf)
        assert not done.failed, done.said
        return [operator.couchdb.requests_sent for operator in done.operators.values()]

    requests()
    clean.control.correct(pce, yesterday(clean) - timedelta(days=5), 7)
    assert requests() == [1, 0, 2, 9]
    assert requests() == [1, 0, 2, 5], "nothing is new, and nothing is written"


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
