"""The two roles in CouchDB: a member does everything except purging, which a deletion does as an administrator."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import CONNECT, DAY
from include.gas.documents.gas_days import account_range, database_name
from include.gas.errors import BadSettings
from tests.helpers import stored, yesterday
from tests.history.steps import backfill
from tests.leaving.household import REVOKED, assert_gone, household, rights
from tests.leaving.purging_server import PurgingCouch
from tests.leaving.steps import delete, operators

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

RANGE = account_range("leaver")
Connect = Callable[..., None]


@pytest.fixture
def server() -> Iterator[PurgingCouch]:
    """A CouchDB that can purge, with existing databases and one ordinary user."""
    with PurgingCouch(members={"member"}).running() as running:
        running.databases |= {database_name(doctype): {} for doctype in (DAY, CONNECT)}
        yield running


@pytest.fixture
def connect(server: PurgingCouch, monkeypatch: pytest.MonkeyPatch) -> Connect:
    def put(conn_id: str, login: str, **extra: Any) -> None:
        fields = {"conn_type": "generic", "host": "127.0.0.1", "port": server.port, "login": login, "password": "b"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))

    put("couchdb", "member")
    return put


def some_days(server: PurgingCouch, number: int = 5) -> dict[str, tuple[str, bool]]:
    days = server.databases[database_name(DAY)]
    days.update({f"leaver:p:{at:05}": ("1-a", False) for at in range(number)})
    return days


def test_what_a_late_load_stored_goes_as_a_member_may(server: PurgingCouch, connect: Connect) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover

    days = some_days(server)
    remover = Remover(CouchDBHook())
    assert remover.remove_range(DAY, *RANGE) == 5
    assert all(dead for _, dead in days.values())
    assert server.purges == []


def test_a_deletion_purges_as_the_administrator(server: PurgingCouch, connect: Connect) -> None:
    connect("couchdb_admin", "root")
    days = some_days(server, 250)
    operator = operators("leaver")["purge"]
    assert len(operator.documents()[DAY]) == 250
    assert operator.remover.remove_range(DAY, *RANGE) == 250
    assert days == {}
    assert server.purges == [100, 100, 50]


def test_a_deletion_that_may_not_purge_stops_before_anything(server: PurgingCouch, connect: Connect) -> None:
    days = some_days(server)
    for step in ("check", "purge"):
        with pytest.raises(
            BadSettings, match=r"connection couchdb is not a CouchDB server administrator.*Set .*couchdb_admin"
        ):
            operators("leaver")[step].remover.remove_range(DAY, *RANGE)
    with pytest.raises(BadSettings, match="Nothing was removed"):
        delete("leaver", steps=("check",), form={"dry_run": True})
    assert len(days) == 5
    assert not any(dead for _, dead in days.values())


def test_one_connection_that_is_an_administrator_serves_for_both(server: PurgingCouch, connect: Connect) -> None:
    connect("couchdb", "root")
    days = some_days(server)
    assert operators("leaver")["purge"].remover.remove_range(DAY, *RANGE) == 5
    assert days == {}


def test_a_connection_to_another_server_removes_nothing(server: PurgingCouch, connect: Connect) -> None:
    some_days(server)
    with PurgingCouch().running() as elsewhere:
        elsewhere.databases[database_name(DAY)] = {}
        connect("couchdb_admin", "root")
        operator = operators("leaver")["purge"]
        operator.couchdb.get_conn()
        operator.__dict__["remover"] = type(operator.remover)(_hook_to(elsewhere))
        assert operator.remover.remove_range(DAY, *RANGE) == 0
        assert len(operator.documents()[DAY]) == 5, "what is left is counted where all others read it"


def _hook_to(server: PurgingCouch) -> Any:
    from grdf.hooks.couchdb import CouchDBHook

    with pytest.MonkeyPatch.context() as patch:
        fields = {"conn_type": "generic", "host": "127.0.0.1", "port": server.port, "login": "root", "password": "b"}
        patch.setenv("AIRFLOW_CONN_COUCHDB_ADMIN", json.dumps(fields))
        hook = CouchDBHook("couchdb_admin")
        hook.get_conn()
        return hook


def test_a_whole_life_with_two_roles(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A household is set up, is read, and leaves. A member does everything, and an administrator removes the data."""
    from grdf import couchdb_setup
    from grdf.hooks.couchdb import CouchDBHook

    given = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"])
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB_ADMIN", json.dumps(given))
    member = {"login": f"member-{secrets.token_hex(4)}", "password": "member-password"}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(given | member))
    assert couchdb_setup.main(["setup"]) == 0
    pces = household(clean, account_id, 1, days=20)
    day = yesterday(clean) - timedelta(days=3)
    backfill(account_id, day)
    assert f"{day}" in stored(CouchDBHook(), account_id, pces[0])
    delete(account_id, by="Camille Admin")
    assert set(rights(clean, pces).values()) == {REVOKED}
    assert_gone(clean, account_id, pces)
