"""Promise 23: one look tells whether all is well; who falls silent is named once; ordinary life is never red.

Two small fleets, in databases of their own, are read and looked at by commands, so that no other test's household is in
them: one to which nothing happens, and one in which a household has moved, one's right begins later, and one is silent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.promises import stack_adapter as product
from tests.promises.stack import ACCOUNTS, ADMIN, PEOPLE, REFUSED, dag_of, wait

if TYPE_CHECKING:
    from tests.promises.stack import Stack

ORDINARY, MOVED, LATER, SILENT, NEIGHBOUR = (
    product.person(number, f"calm-{name}")
    for number, name in enumerate(("ordinary", "moved", "later", "silent", "neighbour"), 41)
)


def connections(stack: Stack, prefix: str) -> dict[str, str]:
    names = ("AIRFLOW_CONN_COUCHDB", "AIRFLOW_CONN_COUCHDB_ADMIN")
    known = {**stack.airflow.env, **stack.airflow.secrets_of_tasks}
    return {name: json.dumps(json.loads(known[name]) | {"extra": {"database_prefix": prefix}}) for name in names}


def fleet_in(stack: Stack, prefix: str) -> Stack:
    """Return the same stack with databases of their own for some households."""
    own = product.own_airflow(stack.airflow.home / prefix)  # what Airflow remembers is of this fleet alone
    fleet = replace(stack, prefix=prefix, more=connections(stack, prefix) | own)
    assert fleet.command("couchdb", "setup").returncode == 0
    return fleet


def read(fleet: Stack, *people: product.Person) -> None:
    """Read households in the foreground, as cron does."""
    done = [fleet.command("run", who.account, "--no-wait") for who in people]
    assert {each.returncode for each in done} <= {0, 1, 3}, [each.stderr for each in done]


def look(fleet: Stack) -> tuple[bool, str]:
    """Take the daily look. Return whether it is well, and what was told, by mail too."""
    before = len(fleet.mailbox.texts)
    done = fleet.command("airflow", "dags", "test", "grdf_health")
    return done.returncode == 0, "\n".join([done.stdout, done.stderr, *fleet.mailbox.texts[before:]])


def test_the_doctor_finds_nothing_to_mend(stack: Stack) -> None:
    """In the running stack, whatever its households do."""
    wait(lambda: all(stack.has_dag(dag_of(each["_id"])) for each in stack.accounts()), "DAGs of all accounts")
    done = stack.command("doctor", "--json")
    assert done.returncode == 0, [each for each in product.findings(done.stdout) if each.bad]


def test_all_is_well(stack: Stack) -> None:
    """A household that was connected today and read once: the daily look is green."""
    calm = fleet_in(stack, "calm/")
    calm.connect(ORDINARY)
    read(calm, ORDINARY)
    calm.command("airflow", "dags", "test", product.CHECK)
    well, told = look(calm)
    assert well, told[-4000:]


def test_a_missing_database_is_seen(stack: Stack) -> None:
    """Nothing is green by default."""
    own = product.own_airflow(stack.airflow.home / "lost")
    lost = replace(stack, more=connections(stack, "nothing-is-here/") | own)
    doctor = lost.command("doctor", "--json")
    assert doctor.returncode == 1
    assert [each for each in product.findings(doctor.stdout) if each.bad and "CouchDB" in each.text]


def test_the_page_names_who_needs_a_person(stack: Stack) -> None:
    """The entrance leads to whoever must act, by name and with the cause."""
    stack.first_run(REFUSED)
    wait(lambda: stack.account(REFUSED).get("state"), "state of the account")
    page = stack.browser(ADMIN).get("/grdf/fleet")
    assert page.status_code == 200
    assert REFUSED in page.text
    assert not any(word in page.text for word in (PEOPLE[REFUSED].last_name, PEOPLE[REFUSED].email))


@dataclass(frozen=True)
class Looks:
    """What a fleet with odd households said on two looks.

    :param asked: calls to GRDF about the meter that is over, after its end was known
    :param later: the account whose right begins later, after its first run and after the check of consents
    """

    well: bool
    first: str
    second: str
    asked: list[dict[str, Any]]
    later: list[dict[str, Any]]


@pytest.fixture(scope="session")
def looks(stack: Stack) -> Looks:
    """Let one household have moved, one's right begin next month, and GRDF have had no day of one for twelve days."""
    fleet = fleet_in(stack, "odd/")
    for back in range(12):
        stack.grdf.correct(SILENT.pces[0], stack.yesterday() - timedelta(days=back), None)
    for who in (NEIGHBOUR, MOVED, SILENT):
        fleet.connect(who)
    begins = str(fleet.yesterday() + timedelta(days=30))
    fleet.put(ACCOUNTS, product.agreed(fleet.world, LATER, cozy=True, conso_debut=begins))
    read(fleet, NEIGHBOUR, MOVED, SILENT, LATER)
    later = [fleet.account(LATER.account)]
    for right in fleet.rights(MOVED):
        over = str(fleet.yesterday() - timedelta(days=1))
        fleet.grdf.change_consent(right, date_fin_droit_acces=over)
    fleet.command("airflow", "dags", "test", product.CHECK)
    since = fleet.grdf.log()[-1]["n"]
    read(fleet, MOVED)
    (well, first), (_, second) = look(fleet), look(fleet)
    return Looks(well, first, second, fleet.calls(*MOVED.pces, since=since), [*later, fleet.account(LATER.account)])


def test_a_household_that_falls_silent_is_named_once(looks: Looks) -> None:
    """Its runs are all green, and its neighbour has its days."""
    assert SILENT.account in looks.first
    assert NEIGHBOUR.account not in looks.first
    assert SILENT.account not in looks.second, "it is known"


def test_ordinary_life_is_not_red(looks: Looks) -> None:
    """Who has moved, as was announced, or whose right begins next month, makes nothing red and costs no call."""
    assert looks.well, looks.first[-4000:]
    assert looks.asked == []


def test_who_opens_days_to_come_waits(stack: Stack, looks: Looks) -> None:
    assert not [each["state"] for each in looks.later if (each.get("state") or "").startswith("USER_ACTION_NEEDED")]
    assert str(stack.yesterday() + timedelta(days=30)) in json.dumps(looks.later)
