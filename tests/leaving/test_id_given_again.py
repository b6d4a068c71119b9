"""An account's id is another household's after a deletion: what was asked for the former one does not become theirs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.adict import AdictHook
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import DAY, PUBLISHED
from include.gas.documents.gas_days import account_range
from include.gas.errors import GasError
from tests.helpers import holder, known_account, stored, yesterday
from tests.history import steps
from tests.leaving.runs import check, extract, load
from tests.leaving.steps import delete
from tests.plugins.steps import read_published

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

COVERED = 20
"""Days that the next household's right covers."""

pytestmark = pytest.mark.usefixtures("clean", "shelf", "the_list_counts")


def give_again(world: LocalWorld, account: str, pce: str) -> None:
    """Delete the account, and connect another household under its id."""
    delete(account)
    (right,) = world.control.consent([pce], conso_debut=str(yesterday(world) - timedelta(days=COVERED)))
    brought = {"pce": pce, "id_accreditation": right["id_droit_acces"], "brought": utc_text(datetime.now(UTC))}
    results = {"pce_id": pce, "consents": [brought]}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results})


def others_meter(account: str) -> str:
    return holder(f"other-{60_000 + int(account.rpartition('-')[2])}").pces[0]


def while_asked(monkeypatch: pytest.MonkeyPatch, call: str, do: Callable[[], None]) -> None:
    """Let something happen once, while GRDF answers."""
    ask, done = getattr(AdictHook, call), list[bool]()

    def asked(self: AdictHook, *args: Any, **kwargs: Any) -> Any:
        answer = ask(self, *args, **kwargs)
        if not done:
            done.append(True)
            do()
        return answer

    monkeypatch.setattr(AdictHook, call, asked)


@pytest.mark.parametrize("same_flat", [True, False])
def test_an_answer_that_was_under_way_is_not_stored(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, same_flat: bool
) -> None:
    """No deletion can end a worker that is cut off from Airflow."""
    (former,) = known_account(clean, account_id)
    pce, day = former if same_flat else others_meter(account_id), yesterday(clean)
    check()
    while_asked(monkeypatch, "daily_lines", lambda: give_again(clean, account_id, pce))
    staged = extract(account_id, day)
    assert load(account_id, staged, day).get("new", 0) == 0
    assert stored(couchdb, account_id, former) == {}
    check()
    load(account_id, extract(account_id, day), day)
    came = [key for key in stored(couchdb, account_id, pce) if len(key) == len("2026-11-28")]
    assert len(came) >= COVERED - 1, "its own days come; one less after midnight, until GRDF publishes another"
    assert min(came) == str(day - timedelta(days=COVERED))
    assert same_flat or stored(couchdb, account_id, former) == {}


@pytest.mark.parametrize(("call", "doctype"), [("daily_lines", DAY), ("published_lines", PUBLISHED)])
def test_what_other_dags_have_asked_is_not_stored(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, call: str, doctype: str
) -> None:
    """A deletion waits for the account's own DAG alone."""
    (former,) = known_account(clean, account_id)
    check()
    while_asked(monkeypatch, call, lambda: give_again(clean, account_id, others_meter(account_id)))
    with suppress(GasError):  # a household that has left meanwhile may end the task
        if doctype == DAY:
            steps.read(account_id, yesterday(clean) - timedelta(days=100), yesterday(clean))
        else:
            read_published(account_id)
    check()
    assert couchdb.range(doctype, *account_range(account_id, former)) == []
