"""With all of Airflow's components: what it shows of silent accounts, their mail, and the deadline's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from include.gas.documents.gas_days import dag_id
from include.sandbox.processes import Processes
from tests.health.accounts import account, meter, today
from tests.health.mail import Mailbox, mail_server
from tests.helpers import PATIENCE, connect_cozy, enter_rights, holder, wait
from tests.stacks import airflow_at

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
LONG_AGO = "2026-01-01T08:00:00.000000Z"
TICKS = 15
"""Seconds in which the scheduler and the triggerer look several times for deadlines that have passed."""
READ, PAUSED, SKIPPED = "watched-90571", "watched-90572", "watched-90573"


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    with mail_server() as found:
        yield found


@pytest.fixture(scope="module")
def stack(
    world: LocalWorld,
    airflow_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    box: tuple[Mailbox, dict[str, str]],
) -> Iterator[AirflowStack]:
    """All components, and alerts by mail."""
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import DOCTYPES

    for name in world.book.listed():
        world.book.remove(name)
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    _, mail = box
    settings = {
        "retries": "0",
        **{name: value for name, value in mail.items() if not name.startswith("AIRFLOW_")},
    }
    env = {
        **world.connections(),
        **{name: value for name, value in mail.items() if name.startswith("AIRFLOW_")},
        **{f"AIRFLOW__GRDF__{name.upper()}": value for name, value in settings.items()},
    }
    with Processes() as processes:
        airflow = airflow_at(tmp_path_factory.mktemp("stack"), env, processes, airflow_home / "airflow.db")
        connect_cozy(world, READ)
        airflow.start(processes, triggerer=True)
        airflow.wait_for_runs({"grdf_consents": None}, seconds=PATIENCE)
        yield airflow


def changed(airflow: AirflowStack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change something through the API, again if SQLite is locked."""

    def tried() -> Any:
        answer = airflow.api(method, path, json=body)
        return answer if answer.ok else None

    return dict(wait(tried, seconds=60, what=f"{method} {path}").json())


def check(airflow: AirflowStack) -> tuple[str, str]:
    """Run grdf_health, and return its state and its log."""
    run = changed(airflow, "POST", "/dags/grdf_health/dagRuns", {"logical_date": None})["dag_run_id"]
    ended = airflow.wait_for_runs({"grdf_health": run}, seconds=PATIENCE)
    return str(ended["grdf_health"]["state"]), airflow.task_log("grdf_health", run, "check")


def test_it_has_no_run_for_the_time_before_the_installation(stack: AirflowStack) -> None:
    """Then its accounts had no run yet, perhaps not even a DAG. Other DAGs have made up for that time meanwhile."""
    assert stack.runs("grdf_consents")
    assert stack.runs("grdf_health") == []


def let_fall_silent(world: LocalWorld, *accounts: str) -> None:
    """Let an account's document say that its newest day is nine days old."""
    last = str(today() - timedelta(days=9))
    for name in accounts:
        document = world.book.get(name) or {}
        for reading in document["status"]["readings"].values():
            reading["years"] = {last[:4]: {"days": 1, "first": last, "last": last}}
        world.book.save(document)


def test_who_falls_silent_is_named_with_what_airflow_shows(
    world: LocalWorld, stack: AirflowStack, box: tuple[Mailbox, dict[str, str]]
) -> None:
    """A DAG that is paused, one whose runs are all skipped, and one that reads and finds nothing new."""
    connect_cozy(world, PAUSED)
    # Its household must act, and nothing is open, so that its runs skip; then somebody clears that state by hand.
    (right,) = world.control.consent(holder(SKIPPED).pces)
    pce = right["id_pce"]
    consent = {"pce": pce, "id_accreditation": right["id_droit_acces"]}
    document = account(90573, state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_message="It must connect again.")
    document["connected"] = {"at": LONG_AGO, "by": "admin"}
    document["status"] = {"readings": {pce: document["status"]["readings"][meter(90573)]}}
    document["oauth_callback_results"] = {"pce_id": pce, "consents": [consent]}
    state = {key: document.pop(key) for key in ("state", "state_message")}
    world.book.save(document)
    enter_rights(SKIPPED, [right])
    known = world.book.get(SKIPPED) or {}
    known["status"]["meters"][pce] |= {"since": LONG_AGO, "is_open": False}
    world.book.save(known | state)
    stack.wait_for_runs({dag_id(name): None for name in (READ, PAUSED, SKIPPED)}, seconds=PATIENCE)
    changed(stack, "PATCH", f"/dags/{dag_id(PAUSED)}", {"is_paused": True})
    world.book.save((world.book.get(SKIPPED) or {}) | {"state": None})
    let_fall_silent(world, READ, PAUSED, SKIPPED)
    state, log = check(stack)
    assert state == "failed"
    named = {line.partition(":")[0]: line for line in log.splitlines()}
    assert f"{PAUSED} (newest day" in named["unread"]
    assert "its DAG is paused" in named["unread"]
    assert f"{SKIPPED} (newest day" in named["unread"]
    assert "no run has read it for 2 days" in named["unread"]
    assert f"{READ} (newest day" in named["alone"]
    mailbox, _ = box
    (text,) = [
        text for mail, text in zip(mailbox.mails, mailbox.texts, strict=True) if "need a person" in mail["Subject"]
    ]
    assert all(name in text for name in (READ, PAUSED, SKIPPED))
    _, log = check(stack)
    assert not [name for name in (READ, PAUSED, SKIPPED) if name in log], "each is named once"


def begun_before(airflow: AirflowStack, run: str, ago: timedelta) -> None:
    """Let a run of grdf_health have begun so much earlier."""
    engine = create_engine(airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    at = (datetime.now(UTC) - ago - timedelta(minutes=1)).isoformat(" ")
    with engine.begin() as connection:
        update = text("UPDATE dag_run SET start_date = :at WHERE run_id = :run AND dag_id = 'grdf_health'")
        assert connection.execute(update, {"at": at, "run": run}).rowcount == 1
    engine.dispose()


def let_deadline_pass(airflow: AirflowStack, run: dict[str, Any]) -> None:
    """Let the hour pass within which a run of grdf_health must have ended."""
    engine = create_engine(airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with engine.begin() as connection:
        update = text(
            "UPDATE deadline SET deadline_time = :at WHERE dagrun_id = "
            "(SELECT id FROM dag_run WHERE run_id = :run AND dag_id = 'grdf_health')"
        )
        at = datetime.now(UTC).isoformat(" ")
        assert connection.execute(update, {"at": at, "run": run["dag_run_id"]}).rowcount == 1
    engine.dispose()


def deadline_mails(mailbox: Mailbox, run: dict[str, Any]) -> int:
    """Return how many mails say of a run that it has not ended in time, or is red and has told nobody."""
    said = [f"due at {run['run_after']} {what}" for what in ("has not ended",)]
    return sum(each in text for text in mailbox.texts for each in said)


def test_a_check_that_does_not_end_is_told_by_mail(stack: AirflowStack, box: tuple[Mailbox, dict[str, str]]) -> None:
    """Its pool has no slot, as when the workers are all taken: the run starts and its task never does.

    A day later it is red, for those who have no mail. Of it no second mail is sent.
    """
    mailbox, _ = box
    changed(stack, "PATCH", "/pools/default_pool?update_mask=slots", {"pool": "default_pool", "slots": 0})
    try:
        late = changed(stack, "POST", "/dags/grdf_health/dagRuns", {"logical_date": None})
        let_deadline_pass(stack, late)
        wait(lambda: deadline_mails(mailbox, late), seconds=300, what="a mail")
        begun_before(stack, late["dag_run_id"], timedelta(hours=23))
        ended = stack.wait_for_runs({"grdf_health": late["dag_run_id"]}, seconds=PATIENCE)
        assert ended["grdf_health"]["state"] == "failed"
        time.sleep(TICKS)
        assert deadline_mails(mailbox, late) == 1
    finally:
        changed(stack, "PATCH", "/pools/default_pool?update_mask=slots", {"pool": "default_pool", "slots": 32})
    assert any("docs/runbook.md, deadline" in text for text in mailbox.texts)


def test_a_red_check_that_ended_in_time_sends_no_mail_of_the_deadline(
    stack: AirflowStack, box: tuple[Mailbox, dict[str, str]]
) -> None:
    """Airflow asks for one. The deadlines of the runs before have passed with that of the run that did not end."""
    before = [run for run in stack.runs("grdf_health") if run["state"] == "failed"]
    told = [deadline_mails(box[0], run) for run in before]
    assert 0 in told, "of the run that did not end there was one"
    let_deadline_pass(stack, before[told.index(0)])
    time.sleep(TICKS)
    assert [deadline_mails(box[0], run) for run in before] == told
