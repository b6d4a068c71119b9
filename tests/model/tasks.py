"""The project's tasks, executed in this process as Airflow would, with retries, waits, deaths and skipped runs."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, RetryAction
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from include.gas.documents.day_documents import dag_id
from include.gas.errors import GasError
from tests.model.wire import Killed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.model.world import World

TRIES = 4
WAITS = 3
"""Maximum number of times that a task waits for GRDF's quota before somebody stops it."""
OF_ACCOUNTS = ("acquire_token", "rescope_token", "extract", "load")
"""Modules of the operators of an account's own DAG."""
SETTINGS = {"reread_days": "5", "publication_days": "1", "spread_minutes": "60"}


class Quiet(logging.Handler):
    """A handler that keeps what tasks log, to show how a life went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        del self.lines[:-400]


LOG = logging.Logger("tests.model", logging.INFO)  # noqa: LOG001 - in no tree: nobody else is to write it all down
EAR = Quiet()
LOG.addHandler(EAR)


@dataclass
class Outcome:
    """How a task ended.

    :param state: ``success``, ``skipped`` or ``failed``
    """

    state: str
    result: Any = None
    error: BaseException | None = None


def environment(staging: object) -> dict[str, str]:
    """Return the environment variables that lead Airflow to this world: connections and settings."""
    import json

    from include.sandbox.adict import identity
    from tests.model.wire import COUCH, GRDF
    from tests.model.world import REDIRECT

    facts = identity.connection_facts(int(GRDF.rpartition(":")[2]), REDIRECT)
    extra = {name: facts[name] for name in ("token_url", "authorize_url", "redirect_uri", "issuer")}
    extra["calls_per_second"] = "1"
    host, port = COUCH.split(":")

    def grdf(login: str, password: str) -> str:
        return json.dumps(
            {
                "conn_type": "generic", "login": login, "password": password, "host": facts["adict_base"],
                "extra": extra,
            }
        )  # fmt: skip

    couch = {"conn_type": "generic", "host": host, "port": int(port), "schema": "http"}
    return {
        "AIRFLOW_CONN_GRDF_ADICT": grdf(facts["client_id"], facts["client_secret"]),
        "AIRFLOW_CONN_GRDFGRANDLYON_DELETE": grdf(facts["delete_client_id"], facts["delete_client_secret"]),
        "AIRFLOW_CONN_COUCHDB": json.dumps(couch | {"login": "model", "password": "model-password"}),
        "AIRFLOW__GRDF__STAGING_URL": f"file://{staging}",
        **{f"AIRFLOW__GRDF__{name.upper()}": value for name, value in SETTINGS.items()},
    }


def setting(name: str, value: object) -> None:
    """Change a setting."""
    os.environ[f"AIRFLOW__GRDF__{name.upper()}"] = str(value)


def context(world: World, run_id: str, run_type: str, day: date | None = None, **more: Any) -> dict[str, Any]:
    """Return the part of Airflow's task context that the project's operators read.

    :param day: the gas day of the data interval
    """
    from grdf.timetable import GasDayTimetable

    found: dict[str, Any] = {
        "run_id": run_id,
        "dag_run": SimpleNamespace(
            run_type=run_type, run_after=world.clock.now, start_date=world.clock.now, conf={},
            triggering_user_name="operator",
        ),
        "ti": SimpleNamespace(
            try_number=1, max_tries=TRIES - 1, run_id=run_id, task_id="task", dag_id="dag",
            get_ti_count=lambda *_, **asked: asked.get("dag_id") in world.at_work,
            get_dagrun_state=lambda *_: "failed", xcom_push=lambda **_: None,
        ),
        "dag": SimpleNamespace(dag_id="dag"),
        "outlet_events": defaultdict(lambda: SimpleNamespace(add=lambda *_, **__: None)),
        "params": {},
        **more,
    }  # fmt: skip
    if day is not None:
        found["data_interval_start"], found["data_interval_end"] = GasDayTimetable().interval(day)
    return found


def execute(
    world: World, kind: Callable[..., Any], at_hand: dict[str, Any], *, actor: str | None, **arguments: Any
) -> Outcome:
    """Execute an operator until it ends, as often as Airflow would.

    :param kind: the operator's class
    :param at_hand: the task's context
    :param actor: the account for which it works, if there is only one
    :raises Exception: an exception that no operator may raise
    """
    outer, at_work = (world.wire.actor, world.wire.run), set(world.at_work)
    if actor and kind.__module__.rpartition(".")[2] in OF_ACCOUNTS:
        world.at_work.add(dag_id(actor))
    waits = tries = 0
    try:
        while True:
            world.wire.actor, world.wire.run = actor, f"{actor} {at_hand['run_id']}"
            at_hand["ti"].try_number = tries + 1
            try:
                operator = kind(task_id=kind.__name__, **arguments)
                operator._cached_logger = LOG
                result = operator.execute(at_hand)
            except AirflowSkipException as skipped:
                world.say(f"  {kind.__name__}({actor}) skipped: {skipped}")
                return Outcome("skipped", error=skipped)
            except AirflowRescheduleException as wait:
                world.say(f"  {kind.__name__}({actor}) waits until {wait.reschedule_date}")
                waits += 1
                if waits > WAITS:
                    return Outcome("failed", error=wait)
                left = datetime.fromisoformat(str(wait.reschedule_date)) - world.clock.now
                world.clock.pass_(min(max(1.0, left.total_seconds()), 90_000.0))
            except Killed as dead:
                world.say(f"  {kind.__name__}({actor}) dies")
                tries += 1
                if tries >= TRIES:
                    return Outcome("failed", error=dead)
                world.clock.pass_(600.0)
            except GasError as error:
                world.say(f"  {kind.__name__}({actor}) {type(error).__name__}: {error}")
                tries += 1
                decision = operator.retry_policy.evaluate(error, tries, TRIES - 1)
                if decision.action != RetryAction.RETRY or tries >= TRIES:
                    return Outcome("failed", error=error)
                world.clock.pass_(decision.retry_delay.total_seconds() if decision.retry_delay else 600.0)
            else:
                world.say(f"  {kind.__name__}({actor}) -> {result}")
                world.book.returned(actor, result)
                return Outcome("success", result)
    finally:
        world.at_work = at_work
        world.wire.actor, world.wire.run = outer


@contextmanager
def installed() -> Iterator[None]:
    """Install the wire, clock, shelf and ledger for as long as lives are led."""
    import pytest

    from tests.model import clock, wire
    from tests.model.world import Ledger, Shelf, _sandbox

    _import_all()
    _sandbox()
    before = dict(os.environ)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        stack.enter_context(wire.replaced())
        stack.enter_context(clock.replaced())
        patch.setattr("grdf.hooks.adict.Variables", Shelf)
        patch.setattr("grdf.quota.governor.QuotaStore", Ledger)
        for name in ("adict", "oauth"):  # there are thousands of lives, each with its own secrets
            patch.setattr(f"grdf.hooks.{name}.mask_secret", lambda _: None)
        patch.setattr("grdf.staging.folder.write_private", _written_now)
        # Looking up machine settings at each request takes a third of a life's time, and the result is always the same.
        patch.setattr("requests.sessions.get_environ_proxies", lambda *_, **__: {})
        patch.setattr("requests.sessions.get_netrc_auth", lambda *_, **__: None)
        patch.setattr("grdf.options.conf", _Settings)
        known = cache(BaseHook.get_connection)
        patch.setattr("grdf.hooks.connection.BaseHook", SimpleNamespace(get_connection=known))
        try:
            yield
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)


class _Settings:
    """The part of Airflow's configuration that the project's settings use, from the environment."""

    @staticmethod
    def get(section: str, name: str, fallback: str = "") -> str:
        return os.environ.get(f"AIRFLOW__{section.upper()}__{name.upper()}", fallback)


def _written_now(target: Any, content: bytes | str) -> None:
    """Write a file whose age follows the life's clock, without waiting for the disk."""
    from tests.model.clock import FACE

    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    now = FACE.at().timestamp()
    os.utime(target, (now, now))


def _import_all() -> None:
    import pkgutil
    from importlib import import_module

    import grdf
    import grdf.page.connect.client_connect
    import include.gas
    from tests.modules import import_all

    import_all(include.gas)
    for room in pkgutil.iter_modules(grdf.__path__, "grdf."):
        if room.ispkg and room.name != "grdf.page":
            import_all(import_module(room.name))


def run_of(account: str, now: datetime, publication_days: int) -> tuple[date, datetime]:
    """Return the newest gas day whose run is due, and when it became due."""
    from grdf.timetable import GasDayTimetable

    table = GasDayTimetable.for_account(account, publication_days=publication_days, first_hour=8, spread_minutes=60)
    day = now.astimezone(UTC).date()
    while table.run_after(day) > now:
        day -= timedelta(days=1)
    return day, table.run_after(day)
