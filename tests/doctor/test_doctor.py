"""``./grdf doctor``: nothing to mend where all is well, and a useful line for each thing that is broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from grdf.hooks.couchdb import COMPARES, CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DOCTYPES
from tests.plugins.drip import Drip

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

Doctor = Callable[..., tuple[int, list[dict[str, str]]]]


@pytest.fixture
def doctor(clean: LocalWorld, airflow_home: Path) -> Doctor:
    """Run the command as a process, with Airflow's database of this test session."""
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)

    def asked(**variables: str) -> tuple[int, list[dict[str, str]]]:
        env = {**os.environ, **clean.connections(), "AIRFLOW_HOME": str(airflow_home), **variables}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "grdf.doctor", "--json"],
            env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        told = json.loads(done.stdout)
        assert told["exit"] == done.returncode
        return done.returncode, told["findings"]

    return asked


def bad(findings: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(each["what"], each["says"]) for each in findings if each["state"] == "bad"]


def extra(world: LocalWorld, name: str = "AIRFLOW_CONN_GRDF_ADICT", **more: Any) -> dict[str, str]:
    connection = json.loads(world.connections()[name])
    fields = {key: more.pop(key) for key in ("password", "host", "login") if key in more}
    connection |= fields
    connection["extra"] = connection.get("extra", {}) | more
    return {name: json.dumps(connection)}


def test_what_it_looks_at(clean: LocalWorld, doctor: Doctor) -> None:
    code, findings = doctor()
    assert {each["what"] for each in findings} == {
        "versions", "settings", "GRDF (grdf_adict)", "CouchDB", "staging", "Airflow", "accounts",
    }  # fmt: skip
    assert (code, bad(findings)) == (0, [])
    told = json.dumps(findings)
    for connection in clean.connections().values():
        assert json.loads(connection)["password"] not in told


@pytest.mark.parametrize(
    ("broken", "what", "says"),
    [
        (lambda w: extra(w, password="wrong"), "GRDF (grdf_adict)", "invalid_client"),
        (lambda w: extra(w, token_url="http://127.0.0.1:9/token"), "GRDF (grdf_adict)", "cannot be reached"),
        (lambda w: extra(w, scope="/other"), "GRDF (grdf_adict)", "scope"),
        (lambda _: {"AIRFLOW_CONN_GRDF_ADICT": "{}"}, "GRDF (grdf_adict)", "grdf_adict"),
        (lambda _: {"AIRFLOW__GRDF__REREAD_DAYS": "many"}, "settings", "reread_days"),
        (lambda _: {"AIRFLOW__GRDF__CONNECTIONS": "a,,b"}, "settings", "connections"),
        (lambda _: {"AIRFLOW__GRDF__POOL": "no_such_pool"}, "Airflow", "no pool no_such_pool"),
        (lambda _: {"AIRFLOW__GRDF__POOL": "redis://u:wrong/word@h"}, "Airflow", "no pool [hidden]"),
        (lambda w: extra(w, "AIRFLOW_CONN_COUCHDB", password="wrong"), "CouchDB", "login"),
        (lambda w: extra(w, "AIRFLOW_CONN_COUCHDB", host="127.0.0.1:9"), "CouchDB", "could not be reached"),
        (lambda _: {"AIRFLOW__GRDF__QUOTA_URL": "postgresql://127.0.0.1:9/q"}, "GRDF (grdf_adict)", "be counted"),
        (lambda w: extra(w, "AIRFLOW_CONN_COUCHDB", database_prefix="empty"), "CouchDB", "are missing"),
        (lambda _: {"AIRFLOW__GRDF__STAGING_URL": "s3://writer:wrong/word@bucket"}, "settings", "staging_url holds a"),
    ],
    ids=[
        "a wrong secret", "an address where nobody is", "a wrong scope", "an empty connection", "a setting of letters",
        "connections that are misspelt", "a pool that is not there", "an address as pool", "CouchDB's password",
        "CouchDB's address", "a quota store that is not there", "databases that are missing",
        "a login in the staging store's address",
    ],
)  # fmt: skip
def test_what_is_broken_is_told_with_what_to_do(
    clean: LocalWorld, doctor: Doctor, broken: Callable[[LocalWorld], dict[str, str]], what: str, says: str
) -> None:
    code, findings = doctor(**broken(clean))
    told = [each for each in findings if each["state"] == "bad" and each["what"] == what]
    assert code == 1
    assert any(says in each["says"] for each in told), json.dumps(told, indent=1)
    assert all(each["do"] for each in told), told
    assert "wrong/word" not in json.dumps(findings)


def test_accounts_that_could_come_back_after_a_deletion(doctor: Doctor) -> None:
    """``./grdf couchdb setup`` has CouchDB compare revisions; cozy-stack, which may have made it, does not."""
    hook = CouchDBHook()
    rev = hook.good(hook.request("GET", ACCOUNT, COMPARES)).json()["_rev"]
    hook.good(hook.request("DELETE", ACCOUNT, COMPARES, query={"rev": rev}))
    code, findings = doctor()
    assert hook.create_database(ACCOUNT) == ["exists", "now compares revisions"]
    told = [each for each in findings if "io-cozy-accounts does not compare revisions" in each["says"]]
    assert (code, [(each["state"], each["what"]) for each in told]) == (1, [("bad", "CouchDB")])
    assert "couchdb setup" in told[0]["do"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nonsense-secretpw", "looked at: ValueError"),
        ("sqlite:///secretpw.db", "looked at: AirflowConfigException"),
        ("nosuchdb://a:secretpw@127.0.0.1:9/x", "looked at: NoSuchModuleError"),
        ("postgresql+psycopg2://a:secretpw@127.0.0.1:9/x", "the package psycopg2 is missing"),
    ],
    ids=["nonsense", "a relative path", "an unknown kind", "no driver"],
)
def test_an_address_of_airflow_s_database_with_which_airflow_cannot_be_loaded(
    doctor: Doctor, address: str, says: str
) -> None:
    code, findings = doctor(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=address)
    (found,) = [each for each in findings if each["state"] == "bad"]
    assert (code, found["what"]) == (1, "Airflow")
    assert says in found["says"], found
    assert "sql_alchemy_conn" in found["do"]
    assert "secretpw" not in json.dumps(findings)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 999], ids=["empty", "damaged"])
def test_a_database_that_is_none_of_airflow_s(doctor: Doctor, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "airflow.db").write_bytes(content)
    code, findings = doctor(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{tmp_path / 'airflow.db'}")
    (told,) = bad(findings)
    assert (code, told[0], "its database is damaged" in told[1]) == (1, "Airflow", True)


def test_a_silent_database_of_airflow_s_is_not_asked_for_each_connection(doctor: Doctor) -> None:
    with Drip(b"", b"", every=0.05) as server:
        address = f"postgresql+psycopg://a:secretpw@127.0.0.1:{server.port}/x"
        names = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC")
        code, findings = doctor(**dict.fromkeys(names, address), PGCONNECT_TIMEOUT="2")
    assert (code, [each["state"] for each in findings if each["what"] == "Airflow"]) == (0, ["unknown"])
    assert server.connections == 1
    assert "secretpw" not in json.dumps(findings)


def test_it_changes_nothing(clean: LocalWorld, doctor: Doctor, tmp_path: Path) -> None:
    """Neither a database nor a document in CouchDB, nor a database of Airflow's where there is none."""
    empty = extra(clean, "AIRFLOW_CONN_COUCHDB", database_prefix="looked-at-")
    missing = tmp_path / "airflow.db"
    code, findings = doctor(**empty, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{missing}")
    assert code == 1
    assert ("Airflow", "unknown", "it has no database here") in [
        (each["what"], each["state"], each["says"]) for each in findings
    ]
    names = requests.get(
        f"{clean.couch.url}/_all_dbs", auth=(clean.couch.user, clean.couch.password), timeout=30
    ).json()
    assert not [name for name in names if name.startswith("looked-at-")]
    assert not missing.exists()
