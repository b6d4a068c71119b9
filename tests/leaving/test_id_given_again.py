"""An account's id is another household's after a deletion: what was asked for the former one does not become theirs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.errors import GasError
from tests.helpers import MemoryShelf, holder, known_account, stored, yesterday
from tests.history import steps
from tests.leaving.runs import check, extract, load
from tests.leaving.steps import delete
from tests.plugins.published import periods
from tests.plugins.steps import read_published
from tests.rights.billed import line
from tests.rights.scene import bring

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

COVERED = 20
"""Days that the next household's right covers."""


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables; other tests leave accounts whose consents are over."""
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")


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


def test_nor_for_an_account_of_the_konnectors_whose_right_is_not_known(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next household's account names its meter, but no right and no moment."""
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    check()

    def comes_from_cozy() -> None:
        delete(account_id)
        results = {"pce_id": pce}
        clean.book.save(
            {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results}
        )

    while_asked(monkeypatch, "daily_lines", comes_from_cozy)
    staged = extract(account_id, day)
    assert load(account_id, staged, day).get("new", 0) == 0
    assert stored(couchdb, account_id, pce) == {}


def test_answers_that_have_stayed_in_staging_are_removed(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """A deletion removes them; a worker that is cut off may write them later, and a backup brings them back."""
    (former,) = known_account(clean, account_id)
    day = yesterday(clean)
    check()
    file = Path(extract(account_id, day)["reference"].removeprefix("file://"))
    content = file.read_bytes()
    give_again(clean, account_id, others_meter(account_id))
    file.parent.mkdir(parents=True, exist_ok=True)
    left = file.with_name("a" * 24 + ".json")
    left.write_bytes(content)
    check()
    load(account_id, extract(account_id, day), day)
    assert stored(couchdb, account_id, former) == {}
    assert not left.exists()


def test_an_answer_that_was_being_stored_is_taken_back(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id changes hands after the load has looked whose it is."""
    from grdf.operators.load import LoadOperator

    (former,) = known_account(clean, account_id)
    day, pce = yesterday(clean), others_meter(account_id)
    check()
    staged = extract(account_id, day)
    keep = LoadOperator._acknowledge

    def later(self: LoadOperator, *args: Any) -> Any:
        kept = {each: couchdb.range(each, *account_range(account_id)) for each in (DAY, MONTH, YEAR)}
        give_again(clean, account_id, pce)
        for doctype, documents in kept.items():  # as if they came last, which a lost worker's write may
            couchdb.write(doctype, [{k: v for k, v in each.items() if k != "_rev"} for each in documents])
        return keep(self, *args)

    monkeypatch.setattr(LoadOperator, "_acknowledge", later)
    load(account_id, staged, day)
    assert stored(couchdb, account_id, former) == {}


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


@pytest.mark.parametrize("corrected", [True, False])
def test_a_worker_that_is_cut_off_leaves_the_next_households_periods_alone(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, corrected: bool
) -> None:
    """It finds that the account is another one's only once that one has read the same period."""
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, days=200)
    check()
    days = [str(yesterday(clean) - timedelta(days=ago)) for ago in (15, 5)]

    def read(load: int) -> None:
        clean.control.set(faults=[])
        body = line(pce, *days, load)
        clean.control.fault(f"/pce/{pce}/donnees_consos_publiees", times=None, status=200, body=body)
        with suppress(GasError):
            read_published(account_id)

    def loads() -> list[int]:
        return [each["load"] for each in periods(account_id)]

    if corrected:
        read(6000)
        assert loads() == [6000]
    usual, came = ReadPublishedOperator._note, list[bool]()

    def note(self: ReadPublishedOperator, *args: Any, **kwargs: Any) -> None:
        if not came:
            came.append(True)
            give_again(clean, account_id, pce)
            check()
            assert loads() == []
            read(42)
            assert loads() == [42]
        usual(self, *args, **kwargs)

    monkeypatch.setattr(ReadPublishedOperator, "_note", note)
    read(5000)
    assert came
    assert loads() == [42]
