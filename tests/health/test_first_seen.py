"""When an account that names no moment was first seen: how it is kept, and that the check is red in the end."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from grdf.health import known_accounts
from grdf.health.known_accounts import VARIABLE
from grdf.operators.check_health import CheckHealthOperator
from grdf.stores import shared_list
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import database_name
from include.gas.health.limits import Cause
from tests.health.accounts import account, today

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from tests.health.scene import Fleet

PREFIX = "seen/"
DAY = date(2026, 6, 1)
LARGE = 20_000


class Couch:
    """A CouchDB that remembers no deletion."""

    prefix = PREFIX

    def get_conn(self) -> None:
        """Send nothing."""

    def deleted(self, *_: Any) -> set[str]:
        return set()


COUCH = cast("CouchDBHook", Couch())


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Airflow's Variables. Outside a task there are none."""
    variables: dict[str, str] = {}
    monkeypatch.setattr("airflow.sdk.Variable.get", lambda name, default=None: variables.get(name, default))
    monkeypatch.setattr("airflow.sdk.Variable.set", lambda name, value, **_: variables.update({name: value}))
    return variables


def packed(prefix: str = PREFIX, **told: Any) -> str:
    return shared_list.packed({"of": database_name(ACCOUNT, prefix), **told}, time.time())


def test_the_day_is_kept_until_the_account_names_a_moment(kept: dict[str, str]) -> None:
    assert known_accounts.waiting(COUCH, DAY) == {}
    known_accounts.lost(COUCH, {"a", "b"}, {"a": DAY, "b": DAY})
    assert known_accounts.waiting(COUCH, DAY) == {"a": DAY, "b": DAY}
    known_accounts.lost(COUCH, {"a", "b"}, {"a": DAY})
    assert known_accounts.waiting(COUCH, DAY) == {"a": DAY}
    known_accounts.forget(COUCH, "a")
    assert known_accounts.waiting(COUCH, DAY) == {}


def test_it_is_kept_while_other_accounts_are_missing(kept: dict[str, str]) -> None:
    known_accounts.lost(COUCH, {"a", *map(str, range(29))})
    assert len(known_accounts.lost(COUCH, {"a"}, {"a": DAY})[0]) == 29
    assert known_accounts.waiting(COUCH, DAY) == {"a": DAY}
    assert len(known_accounts.lost(COUCH, {"a"}, {"a": DAY})[0]) == 29, "the others are still missed"


def test_it_is_kept_of_those_that_are_missing_themselves(kept: dict[str, str]) -> None:
    """They come back from a backup, and go on waiting."""
    known_accounts.lost(COUCH, {"a", "b"}, {"a": DAY})
    assert set(known_accounts.lost(COUCH, set())[0]) == {"a", "b"}
    assert known_accounts.waiting(COUCH, DAY) == {"a": DAY}


def test_what_a_former_version_has_kept_is_read(kept: dict[str, str]) -> None:
    kept[VARIABLE] = packed(ids=["a", "b"])
    assert known_accounts.waiting(COUCH, DAY) == {}
    assert known_accounts.lost(COUCH, set())[1] == 2


def test_a_former_version_reads_what_is_kept_now(kept: dict[str, str]) -> None:
    known_accounts.lost(COUCH, {"a", "b"}, {"a": DAY})
    found = shared_list.read(VARIABLE)
    assert found
    assert (found[0]["of"], found[0]["ids"]) == (database_name(ACCOUNT, PREFIX), ["a", "b"])


@pytest.mark.parametrize("odd", [None, [], "x", {"a": None}, {"a": 7}, {"a": "yesterday"}, {"a": "9999-12-31"}])
def test_odd_days_count_as_unknown(kept: dict[str, str], odd: Any) -> None:
    kept[VARIABLE] = packed(ids=["a"], waiting=odd)
    assert known_accounts.waiting(COUCH, DAY) == {}
    assert known_accounts.lost(COUCH, {"a"}) == ({}, 1)


def test_those_of_other_databases_are_not_waited_for(kept: dict[str, str]) -> None:
    kept[VARIABLE] = packed("other/", ids=["a"], waiting={"a": str(DAY)})
    assert known_accounts.waiting(COUCH, DAY) == {}


def test_a_fleet_that_waits_as_a_whole_fits_into_the_variable(kept: dict[str, str]) -> None:
    ids = {secrets.token_hex(16) for _ in range(LARGE)}
    known_accounts.lost(COUCH, ids, dict.fromkeys(ids, DAY))
    assert len(kept[VARIABLE]) < shared_list.LARGEST // 4
    assert known_accounts.waiting(COUCH, DAY) == dict.fromkeys(ids, DAY)


class Asked:
    """A task's ``ti`` that sees a DAG of each account, without a run that has succeeded."""

    def get_dag(self, _: str) -> Any:
        return SimpleNamespace(is_paused=False)

    def get_dr_count(self, *_: Any, **__: Any) -> int:
        return 0


def test_accounts_of_cozy_stack_that_are_never_read_are_red_in_the_end(
    fleet: Fleet, kept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their code is never used, as when GRDF's keys do not answer, so that nothing on them says since when."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.accounts.account_store import AccountStore

    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    names = [f"cozy-{number}" for number in range(3)]
    code = {"account_type": "grdfgrandlyon", "oauth_callback_results": {"id_token": "a.b.c"}}
    fleet.add(*({"_id": name} | code for name in names), account(9))

    def red() -> list[Cause]:
        operator = CheckHealthOperator(task_id="check")
        return [each.cause for each in operator._look(cast("Any", {"ti": Asked()}), []).red]

    assert red() == []
    couchdb = CouchDBHook()
    couchdb.get_conn()
    AccountStore(couchdb).note_listed(datetime.now(UTC))
    assert known_accounts.waiting(couchdb, today()) == dict.fromkeys(names, today())
    for days, causes in ((7, []), (8, [Cause.SILENT, Cause.LATE])):
        since = today() - timedelta(days=days)
        ids = [*names, "watched-00009"]
        kept[VARIABLE] = packed(couchdb.prefix, ids=ids, waiting=dict.fromkeys(names, str(since)))
        assert red() == causes


def test_a_whole_run_names_them_and_since_when(fleet: Fleet) -> None:
    fleet.add({"_id": "cozy-4", "account_type": "grdfgrandlyon", "oauth_callback_results": {"id_token": "a.b.c"}})
    since = str(today() - timedelta(days=9))
    former = packed(fleet.connection["extra"]["database_prefix"], ids=["cozy-4"], waiting={"cozy-4": since})
    run = fleet.check(**{f"AIRFLOW_VAR_{VARIABLE.upper()}": former})
    assert run.state == "failed"
    assert f"cozy-4 (no day yet, first seen {since})" in run.output
