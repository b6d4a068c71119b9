"""What tests of the whole stack use of the product's and the sandbox's modules, and settings that may still change."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.adict import identity
from include.sandbox.adict.meter_data.meters import find_meter, holder_of
from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.connect import code_account, consent, cozy_account
from include.sandbox.control import consent_through_browser
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.databases import FAB, empty_database
from tests.health.mail import mail_server
from tests.named_couch import named_couch
from tests.parties import connections_of
from tests.stacks import airflow_at

__all__ = [
    "LocalWorld", "Person", "Processes", "consent_through_browser", "mail_server", "named_couch", "person",
    "whole_airflow",
]  # fmt: skip

PREFIX = "promise/"
SOUTH = "grdf_south"
SOUTH_PARTY = identity.SECOND
CLIENTS = {"grdf_adict": identity.FIRST.client_id, SOUTH: identity.SECOND.client_id}
DELETE_CLIENT = identity.FIRST.delete_client_id
NAMES_CLIENT = "grdf_connection"
"""The key by which an account's document names the connection of its client (docs/scale.md, Several clients)."""

TRIES = 5
"""How often a household's link may be tried."""

WRONG_SETTINGS = {"reread_days": "many", "first_hour": "25", "retries": "three", "connections": "a,,b"}
SECRETS_OF_TASKS = ("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", "AIRFLOW_CONN_GRDF_SOUTH_DELETE", "AIRFLOW_CONN_COUCHDB_ADMIN")
"""What only processes that run a deletion's tasks have."""


def to_mend(given: str) -> dict[str, str]:
    found = [each for each in json.loads(given)["findings"] if each["state"] == "bad"]
    return {f"{each['what']}: {each['says']}": each["do"] for each in found}


@dataclass(frozen=True)
class Person:
    account: str
    first_name: str
    last_name: str
    email: str
    phone: str
    postcode: str
    pces: tuple[str, ...]

    @property
    def personal(self) -> tuple[str, ...]:
        """What would betray it. Digits of a postcode also stand in moments and hashes."""
        return (*self.pces, self.last_name, self.email, self.phone)


def person(number: int, account: str) -> Person:
    email = f"foyer-{5_900_000 + number * 10}-1@example.org"
    found = holder_of(f"Zenobie;Quatrebarbes;{email};TIERS")
    assert found is not None
    meter = find_meter(found.pces[0])
    assert meter is not None
    return Person(
        account, "Zenobie", "Quatrebarbes", email, f"+33 6 98 76 54 {number:02}", meter.postcode, tuple(found.pces)
    )


def agreed(world: LocalWorld, who: Person, *, cozy: bool, client: str = "grdf_adict", **terms: Any) -> dict[str, Any]:
    """``cozy``: the code is exchanged as cozy-stack does, not by the account's DAG; ``terms``: the choices at GRDF."""
    holder = holder_of(f"{who.first_name};{who.last_name};{who.email};TIERS")
    assert holder is not None
    south = {"client_id": SOUTH_PARTY.client_id, "client_secret": SOUTH_PARTY.client_secret}
    facts = {**world.facts, **(south if client == SOUTH else {})}
    grant = consent(facts, holder, **terms)
    document = cozy_account(who.account, grant, facts) if cozy else code_account(who.account, grant)
    return document | ({NAMES_CLIENT: client} if client == SOUTH else {})


def settings_of(mail: Mapping[str, str]) -> dict[str, str]:
    ours = {
        "connections": f"grdf_adict, {SOUTH}",
        "retries": "0",
        "household_links": "True",
        "airflow_conn_id": "airflow_api",
        **{name: value for name, value in mail.items() if not name.startswith("AIRFLOW_")},
    }
    return {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in ours.items()} | {
        name: value for name, value in mail.items() if name.startswith("AIRFLOW_")
    }


def connections(world: LocalWorld, airflow_url: str) -> dict[str, str]:
    page = f"{airflow_url}/grdf/callback"
    known = world.connections(page) | connections_of(world, SOUTH, SOUTH_PARTY, page)
    admin = json.loads(known["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": PREFIX}}
    ordinary = admin | {"login": f"grdf-{secrets.token_hex(4)}", "password": secrets.token_urlsafe(12)}
    return known | {"AIRFLOW_CONN_COUCHDB": json.dumps(ordinary), "AIRFLOW_CONN_COUCHDB_ADMIN": json.dumps(admin)}


@contextmanager
def clean_environment() -> Iterator[None]:
    """Hide what pytest's own Airflow and other tests have set, while servers are started."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AIRFLOW__"))]:
            patch.delenv(name)
        yield


def whole_airflow(home: Path, world: LocalWorld, processes: Processes, env: Mapping[str, str]) -> AirflowStack:
    """FAB is its auth manager; only its components that run tasks have :data:`SECRETS_OF_TASKS`. It is not started."""
    own = {"AIRFLOW__CORE__AUTH_MANAGER": FAB, **env}
    airflow = airflow_at(home, own, processes, empty_database(FAB))
    airflow.env |= connections(world, airflow.url)
    airflow.env["AIRFLOW_CONN_AIRFLOW_API"] = json.dumps(
        {"conn_type": "http", "host": airflow.url, "login": "admin", "password": airflow.password}
    )
    hidden = {name: airflow.env.pop(name) for name in SECRETS_OF_TASKS}
    usual = airflow.own_settings

    def own_settings(component: str) -> dict[str, str]:
        runs_tasks = component not in ("api-server", "dag-processor", "triggerer")
        return usual(component) | (hidden if runs_tasks else {})

    airflow.own_settings = own_settings  # type: ignore[method-assign]
    airflow.secrets_of_tasks = hidden  # type: ignore[attr-defined]
    return airflow


def own_airflow(home: Path) -> dict[str, str]:
    """Return settings of an Airflow with a database of its own, for commands that need no scheduler."""
    home.mkdir(parents=True)
    shutil.copyfile(empty_database(FAB), home / "airflow.db")
    database = f"{home}/airflow.db"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{database}",
        "AIRFLOW__GRDF__AIRFLOW_CONN_ID": "",  # which would be the whole stack's API server
    }


def make_users(airflow: AirflowStack, users: Mapping[str, str], roles: Mapping[str, list[tuple[str, str]]]) -> None:
    """``users``: passwords by name, each with the role of its name; ``roles``: further ones with their permissions."""
    done = subprocess.run(
        [sys.executable, "-c", FAB_USERS], input=json.dumps({"users": users, "roles": roles}),
        env=os.environ | airflow.env, cwd=airflow.home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


FAB_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.models.db import FABDBManager
from airflow.utils.session import create_session

with create_session() as session:
    FABDBManager(session).initdb()

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

given = json.load(sys.stdin)
roles_of = {"approver": "Op"}
with get_application_builder() as builder:
    manager = builder.sm
    for name, permissions in given["roles"].items():
        role = manager.add_role(name)
        for action, resource in permissions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for who, password in given["users"].items():
        role = manager.find_role(roles_of.get(who, who.title()))
        assert manager.add_user(who, "A", who, f"{who}@example.org", role, password), who
"""
