"""Promise 23: one look shows whether all is well; who falls silent is named once; ordinary life is never red."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from tests.promises import stack_adapter as product
from tests.promises.stack import ACCOUNTS, Stack, dag_of, wait

ORDINARY, MOVED, LATER, SILENT, NEIGHBOUR = (
    product.person(number, f"calm-{name}")
    for number, name in enumerate(("ordinary", "moved", "later", "silent", "neighbour"), 41)
)


def connections(stack: Stack, prefix: str) -> dict[str, str]:
    names = ("AIRFLOW_CONN_COUCHDB", "AIRFLOW_CONN_COUCHDB_ADMIN")
    known = {**stack.airflow.env, **stack.airflow.secrets_of_tasks}
    return {name: json.dumps(json.loads(known[name]) | {"extra": {"database_prefix": prefix}}) for name in names}


def fleet_in(stack: Stack, prefix: str) -> Stack:
    own = product.own_airflow(stack.airflow.home / prefix)  # what Airflow remembers is of this fleet alone
    fleet = replace(stack, prefix=prefix, more=connections(stack, prefix) | own)
    assert fleet.command("couchdb", "setup").returncode == 0
    return fleet


def read(fleet: Stack, *people: product.Person) -> None:
    done = [fleet.command("run", who.account, "--no-wait") for who in people]
    assert {each.returncode for each in done} <= {0, 1, 3}, [each.stderr for each in done]


def look(fleet: Stack) -> tuple[bool, str]:
    before = len(fleet.mailbox.texts)
    done = fleet.command("airflow", "dags", "test", "grdf_health")
    return done.returncode == 0, "\n".join([done.stdout, done.stderr, *fleet.mailbox.texts[before:]])


def test_the_doctor_finds_nothing_to_mend(stack: Stack) -> None:
    accounts = [each["_id"] for each in stack.documents(ACCOUNTS) if not each["_id"].startswith("_")]
    wait(lambda: all(map(stack.has_dag, map(dag_of, accounts))), "DAGs of all accounts")
    done = stack.command("doctor", "--json")
    assert done.returncode == 0, product.to_mend(done.stdout)


def test_all_is_well(stack: Stack) -> None:
    calm = fleet_in(stack, "calm/")
    calm.connect(ORDINARY)
    read(calm, ORDINARY)
    calm.command("airflow", "dags", "test", "grdf_consents")
    well, output = look(calm)
    assert well, output[-4000:]


def test_a_missing_database_is_seen(stack: Stack) -> None:
    own = product.own_airflow(stack.airflow.home / "lost")
    lost = replace(stack, more=connections(stack, "nothing-is-here/") | own)
    doctor = lost.command("doctor", "--json")
    assert doctor.returncode == 1
    assert [text for text in product.to_mend(doctor.stdout) if "CouchDB" in text]


def test_who_falls_silent_is_named_once_and_ordinary_life_is_not_red(stack: Stack) -> None:
    fleet = fleet_in(stack, "odd/")
    for back in range(12):
        stack.grdf.correct(SILENT.pces[0], stack.yesterday() - timedelta(days=back), None)
    for who in (NEIGHBOUR, MOVED, SILENT):
        fleet.connect(who)
    fleet.connect(LATER, days=-30)
    read(fleet, NEIGHBOUR, MOVED, SILENT, LATER)
    for right in fleet.rights(MOVED):
        over = str(fleet.yesterday() - timedelta(days=1))
        fleet.grdf.change_consent(right, date_fin_droit_acces=over)
    fleet.command("airflow", "dags", "test", "grdf_consents")
    since = fleet.grdf.log()[-1]["n"]
    read(fleet, MOVED)
    (well, first), (_, second) = look(fleet), look(fleet)
    assert well, first[-4000:]
    assert SILENT.account in first
    assert NEIGHBOUR.account not in first
    assert SILENT.account not in second, "it is known"
    assert fleet.calls(*MOVED.pces, since=since) == []
    assert not (fleet.account(LATER.account).get("state") or "").startswith("USER_ACTION_NEEDED")
