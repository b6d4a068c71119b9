"""When an account that names no moment was first seen: how it is kept, and that the check is red in the end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
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
    monkeypatch.setattr(
        "airflow.sdk.Variable.keys", lambda prefix: [key for key in variables if key.startswith(prefix)]
    )
    return variables


def waiting(couchdb: CouchDBHook = COUCH, day: date = DAY) -> Mapping[str, date]:
    return known_accounts.seen_before(couchdb).since(day)


def lost(present: set[str], waits: Mapping[str, date] | None = None) -> tuple[Mapping[str, str], int]:
    return known_accounts.lost(COUCH, known_accounts.seen_before(COUCH), present, waits)


def packed(prefix: str = PREFIX, **told: Any) -> str:
    return shared_list.packed({"of": database_name(ACCOUNT, prefix), **told}, time.time())


def test_the_day_is_kept_until_the_account_names_a_moment(kept: dict[str, str]) -> None:
    assert waiting() == {}
    lost({"a", "b"}, {"a": DAY, "b": DAY})
    assert waiting() == {"a": DAY, "b": DAY}
    lost({"a", "b"}, {"a": DAY})
    assert waiting() == {"a": DAY}
    known_accounts.forget(COUCH, "a")
    assert waiting() == {}


def test_it_is_kept_while_other_accounts_are_missing(kept: dict[str, str]) -> None:
    lost({"a", *map(str, range(29))})
    assert len(lost({"a"}, {"a": DAY})[0]) == 29
    assert waiting() == {"a": DAY}
    assert len(lost({"a"}, {"a": DAY})[0]) == 29, "the others are still missed"


def test_it_is_kept_of_those_that_are_missing_themselves(kept: dict[str, str]) -> None:
    """They come back from a backup, and go on waiting."""
    lost({"a", "b"}, {"a": DAY})
    assert set(lost(set())[0]) == {"a", "b"}
    assert waiting() == {"a": DAY}


def test_who_leaves_while_the_accounts_are_read_is_not_missed(kept: dict[str, str]) -> None:
    """The last household, of whose purged document CouchDB remembers nothing."""
    lost({"a"})
    before = known_accounts.seen_before(COUCH)
    known_accounts.forget(COUCH, "a")
    assert known_accounts.lost(COUCH, before, set()) == ({}, 0)
    lost({"a", "b", "c"})
    before = known_accounts.seen_before(COUCH)
    known_accounts.forget(COUCH, "a")
    assert set(known_accounts.lost(COUCH, before, set())[0]) == {"b", "c"}, "the others are"


def test_a_clock_that_begins_anew_overwrites_no_day(kept: dict[str, str]) -> None:
    lost({"a", "b"}, {"a": DAY})
    lost({"a", "b"}, dict.fromkeys("ab", date(1970, 1, 1)))
    assert waiting() == {"a": DAY}


WAITING = {f"w{number}": DAY for number in range(5)}
FLEET = {*WAITING, *map(str, range(25))}


def silent(*_: Any, **__: Any) -> Any:
    raise OSError("Airflow's API does not answer")


@pytest.mark.parametrize(
    "failing", [{"get": silent}, {"get": lambda *_, **__: None}, {"get": lambda *_, **__: None, "keys": silent}],
    ids=["an error", "the default for a Variable that there is", "the default and an error"],
)  # fmt: skip
def test_what_airflow_does_not_tell_is_not_written_anew(
    kept: dict[str, str], monkeypatch: pytest.MonkeyPatch, failing: dict[str, Any]
) -> None:
    """Airflow's SDK returns the default, too, if the API has an error."""
    lost(FLEET, WAITING)
    before = dict(kept)
    with monkeypatch.context() as patch:
        for name, instead in failing.items():
            patch.setattr(f"airflow.sdk.Variable.{name}", instead)
        assert waiting() == {}
        assert lost(set(WAITING), dict.fromkeys(WAITING, today())) == ({}, 0)
        known_accounts.forget(COUCH, "w1")
    assert kept == before
    assert waiting() == WAITING
    assert set(lost(set(WAITING), WAITING)[0]) == FLEET - set(WAITING), "the loss is told by the next check"


def test_a_check_that_was_told_nothing_at_first_writes_nothing_when_airflow_answers_again(
    kept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(FLEET, WAITING)
    before = dict(kept)
    with monkeypatch.context() as patch:
        patch.setattr("airflow.sdk.Variable.get", silent)
        seen = known_accounts.seen_before(COUCH)
    assert known_accounts.lost(COUCH, seen, FLEET, dict.fromkeys(WAITING, today())) == ({}, 0)
    assert kept == before


class Api:
    """Airflow's API as its SDK asks it in a task: what it answers to each question."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def send(self, message: Any) -> Any:
        answer = self.answers[type(message).__name__]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_airflow_s_sdk_hides_an_error_of_the_api_and_we_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse, VariableKeysResult

    broken = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))
    absent = ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND)
    there, none = (VariableKeysResult(keys=keys, total_entries=len(keys)) for keys in ([VARIABLE, VARIABLE + "2"], []))

    def asked(**answers: Any) -> Any:
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Api(**answers), raising=False)
        return shared_list.read_surely(VARIABLE)

    for answers in ({"GetVariableKeys": there}, {"GetVariableKeys": broken}):
        with pytest.raises(shared_list.NotTold):
            asked(GetVariable=broken, **answers)
        assert Variable.get(VARIABLE, default=None) is None
    assert asked(GetVariable=absent, GetVariableKeys=none) is None


@pytest.mark.parametrize("damaged", ["", "x", "bm90IHppcHBlZA==", shared_list.packed({}, 0.0)])
def test_a_damaged_variable_is_written_anew(kept: dict[str, str], damaged: str) -> None:
    kept[VARIABLE] = damaged
    assert lost({"a"}, {"a": DAY}) == ({}, 0)
    assert waiting() == {"a": DAY}


@pytest.mark.parametrize(
    "odd", [None, [], "x", {"a": None}, {"a": 7}, {"a": "yesterday"}, {"a": "9999-12-31"}, {"a": "1970-01-01"}]
)
def test_odd_days_count_as_unknown(kept: dict[str, str], odd: Any) -> None:
    kept[VARIABLE] = packed(ids=["a"], waiting=odd)
    assert waiting() == {}
    assert lost({"a"}) == ({}, 1)


def test_those_of_other_databases_are_not_waited_for(kept: dict[str, str]) -> None:
    kept[VARIABLE] = packed("other/", ids=["a"], waiting={"a": str(DAY)})
    assert waiting() == {}


def test_a_fleet_that_waits_as_a_whole_fits_into_the_variable(kept: dict[str, str]) -> None:
    ids = {secrets.token_hex(16) for _ in range(LARGE)}
    lost(ids, dict.fromkeys(ids, DAY))
    assert len(kept[VARIABLE]) < 2_000_000
    assert waiting() == dict.fromkeys(ids, DAY)


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
    assert waiting(couchdb, today()) == dict.fromkeys(names, today())
    for days, causes in ((7, []), (8, [Cause.SILENT, Cause.LATE])):
        since = today() - timedelta(days=days)
        ids = [*names, "watched-00009"]
        kept[VARIABLE] = packed(couchdb.prefix, ids=ids, waiting=dict.fromkeys(names, str(since)))
        assert red() == causes


def test_a_check_that_is_not_told_them_tells_the_rest(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fleet.connection))
    monkeypatch.setattr("airflow.sdk.Variable.get", silent)
    fleet.add(account(10, age=30))
    verdict = CheckHealthOperator(task_id="check")._look(cast("Any", {"ti": Asked()}), [])
    assert Cause.LATE in [each.cause for each in verdict.red]
    assert f"Airflow does not tell the Variable {VARIABLE} (OSError), so it stays as it is." in caplog.text


def test_a_whole_run_names_them_and_since_when(fleet: Fleet) -> None:
    fleet.add({"_id": "cozy-4", "account_type": "grdfgrandlyon", "oauth_callback_results": {"id_token": "a.b.c"}})
    since = str(today() - timedelta(days=9))
    former = packed(fleet.connection["extra"]["database_prefix"], ids=["cozy-4"], waiting={"cozy-4": since})
    run = fleet.check(**{f"AIRFLOW_VAR_{VARIABLE.upper()}": former})
    assert run.state == "failed"
    assert f"cozy-4 (no day yet, first seen {since})" in run.output
