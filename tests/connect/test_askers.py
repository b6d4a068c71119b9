"""Users who may start the DAGs for any account and one account's own DAG can only act on that account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.utils.types import DagRunTriggeredByType
from fastapi import HTTPException

from grdf.page import askers
from include.gas.documents.gas_days import dag_id
from include.sandbox.processes import Processes
from tests.connect.keepers import DAGS, OTHER, OWN, RANGE, KeeperSite, post, start
from tests.connect.site import Site
from tests.helpers import wait

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="module")
def kept(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API server with FAB that knows the project's DAGs."""
    world.book.save({"_id": OWN, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {}})
    with Processes() as processes:
        made = KeeperSite(tmp_path_factory.mktemp("kept"), world)
        made.start(processes, "dag-processor")  # this stores the DAGs
        admin = made.program("admin")
        wait(lambda: all(admin.get(f"{made.url}/api/v2/dags/{dag}", timeout=60).ok for dag in (*DAGS, dag_id(OWN))))
        yield made


def backfill(site: Site, who: str, dag: str, **more: Any) -> requests.Response:
    """Request a backfill of two days in the past."""
    days = {"from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-03T00:00:00Z"}
    return post(site, who, "backfills", {"dag_id": dag, **days, "max_active_runs": 1, **more})


def runs(site: Site, dag: str) -> int:
    return int(site.program("admin").get(f"{site.url}/api/v2/dags/{dag}/dagRuns", timeout=60).json()["total_entries"])


ORDERS = [
    ("grdf_delete_account", {"account": OTHER, "confirm": OTHER}),
    ("grdf_delete_account", {"account": OTHER, "confirm": OTHER, "dry_run": False}),
    ("grdf_delete_account", {}),
    ("grdf_adopt_konnector", {"account": OTHER}),
    ("grdf_history", {"accounts": [OTHER], **RANGE}),
    ("grdf_history", {"accounts": [OWN, OTHER], **RANGE}),
    ("grdf_history", {"accounts": [], **RANGE}),
    ("grdf_history", RANGE),
    ("grdf_published", {"accounts": [f" {OTHER} "]}),
    ("grdf_consents", {"accounts": [OTHER]}),
    ("grdf_consents", {"accounts": [OWN, OTHER], "dry_run": False}),
    ("grdf_import_accounts", {"file": "homes.csv"}),
    ("grdf_adopt_rights", {"accounts": [OWN]}),
    ("grdf_send_proof", {"account": OTHER}),
    ("grdf_send_proof", {}),
]

CONNECTING = [
    ("grdf_import_accounts", {"file": "homes.csv", "dry_run": False, "skip_wrong_lines": True}),
    ("grdf_import_accounts", {"file": "homes.csv"}),
    ("grdf_adopt_rights", {"dry_run": False}),
    ("grdf_adopt_rights", {}),
    ("grdf_send_proof", {}),
    ("grdf_send_proof", {"account": OTHER}),
    ("grdf_consents", {"accounts": [OTHER], "dry_run": False}),
    ("grdf_consents", {"accounts": [OTHER]}),
]


@pytest.mark.parametrize(("dag", "conf"), ORDERS, ids=str)
def test_the_keeper_of_one_account_reaches_no_other(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    before = runs(kept, dag)
    answer = start(kept, "keeper", dag, **conf)
    assert answer.status_code == 403, answer.text
    assert "You may not" in answer.json()["detail"]
    assert runs(kept, dag) == before, "Airflow has not written it down"


@pytest.mark.parametrize(
    ("dag", "conf"),
    [
        ("grdf_delete_account", {"account": OWN, "confirm": OWN}),
        ("grdf_adopt_konnector", {"account": OWN}),
        ("grdf_history", {"accounts": [OWN], **RANGE}),
        ("grdf_published", {"accounts": [OWN]}),
        ("grdf_published", {}),
        ("grdf_consents", {}),
        ("grdf_consents", {"accounts": [], "dry_run": False}),
    ],
    ids=str,
)
def test_the_keeper_reaches_the_own_one(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    answer = start(kept, "keeper", dag, **conf)
    assert answer.ok, answer.text
    assert answer.json()["triggering_user_name"] == "keeper"


@pytest.mark.parametrize("who", ["op", "admin"])
def test_who_may_start_any_dag_reaches_all(kept: Site, who: str) -> None:
    for dag, conf in ORDERS:
        if conf:
            answer = start(kept, who, dag, **conf)
            assert answer.ok, answer.text


@pytest.mark.parametrize(("dag", "conf"), CONNECTING, ids=str)
def test_who_may_not_connect_households_connects_none_through_a_dag(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    """Airflow's role User may start every DAG, but not edit connections. The page asks for both."""
    before = runs(kept, dag)
    answer = start(kept, "user", dag, **conf)
    assert answer.status_code == 403, answer.text
    assert answer.json()["detail"].startswith("You may not edit the connection grdf_adict, so you may not start")
    assert runs(kept, dag) == before, "Airflow has not written it down"
    assert start(kept, "op", dag, **conf).ok


@pytest.mark.parametrize(("dag", "conf"), [("grdf_history", RANGE), ("grdf_consents", {})], ids=str)
def test_who_may_start_all_dags_starts_those_that_connect_nobody(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    assert start(kept, "user", dag, **conf).ok


def test_who_may_connect_one_account_sees_and_swaps_no_file_of_households(kept: Site) -> None:
    assert start(kept, "agent", "grdf_import_accounts", file="a.csv", dry_run=True).status_code == 403
    agent = kept.browser("agent")
    assert agent.get(f"/connect/{OWN}/proofs").status_code == 200
    assert "/grdf/import/" not in agent.get("/").text
    for method, path in (("GET", "/import/"), ("POST", "/import/upload"), ("POST", "/import/remove"),
                         ("GET", "/import/results/a.result.csv")):  # fmt: skip
        assert agent.request(method, path).status_code == 403, path
    assert kept.browser("op").get("/import/").status_code == 200


@pytest.mark.parametrize(
    ("dag", "conf"),
    [("grdf_send_proof", {"account": OWN}), ("grdf_consents", {"accounts": [OWN], "dry_run": False})],
    ids=str,
)
def test_the_keeper_of_one_account_needs_the_right_to_connect_it(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    """The page asks for it before it shows a proof, or gives an account another right."""
    answer = start(kept, "keeper", dag, **conf)
    assert answer.status_code == 403, answer.text
    assert "edit the connection" in answer.json()["detail"]
    answer = start(kept, "agent", dag, **conf)
    assert answer.ok, answer.text


@pytest.mark.parametrize(
    ("dag", "conf"),
    [
        ("grdf_send_proof", {"account": "x" * 100_000}),
        ("grdf_send_proof", {"account": "../other"}),
        ("grdf_adopt_konnector", {"account": "a\ud800"}),
        ("grdf_consents", {"accounts": [OWN, "x" * 100_000]}),
    ],
    ids=lambda each: str(each)[:40],
)
def test_what_is_no_account_s_id_is_refused(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    log = kept.stack.home / "api-server.log"
    end = log.stat().st_size
    body = {"logical_date": None, "conf": conf}
    answer = kept.program("admin").post(f"{kept.url}/api/v2/dags/{dag}/dagRuns", json=body, timeout=60)
    assert answer.status_code == 400, answer.text
    assert "cannot be an account's id" in answer.json()["detail"]
    assert len(answer.text) < 1000
    assert "Traceback" not in log.read_bytes()[end:].decode(errors="replace")


@pytest.mark.parametrize("dag", ["grdf_published", "grdf_consents"])
def test_a_backfill_reaches_no_account(kept: Site, dag: str) -> None:
    before = runs(kept, dag)
    answer = backfill(kept, "keeper", dag, dag_run_conf={"accounts": [OTHER], "dry_run": False})
    assert answer.status_code == 400, answer.text
    assert runs(kept, dag) == before, "Airflow has not written it down"


def test_the_keeper_backfills_the_own_dag(kept: Site) -> None:
    answer = backfill(kept, "keeper", dag_id(OWN))
    assert answer.ok, answer.text
    assert runs(kept, dag_id(OWN)) > 0


@pytest.mark.parametrize("by", [None, *DagRunTriggeredByType], ids=str)
def test_whatever_a_user_may_have_asked_for_is_checked(
    by: DagRunTriggeredByType | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This includes ways of starting a run that a later Airflow may add."""
    monkeypatch.setattr("grdf.page.security.may_edit_adict", lambda *_: True)
    monkeypatch.setattr("grdf.page.security.may_start", lambda *_: False)
    run = SimpleNamespace(
        dag_id="grdf_consents", triggered_by=by, triggering_user_name="keeper", conf={"accounts": [OTHER]}
    )
    unasked = {"timetable", "asset", "operator", "cli", "test"}
    if by is not None and by.value in unasked:
        askers._before_insert(None, None, run)
        return
    with pytest.raises(HTTPException) as refused:
        askers._before_insert(None, None, run)
    assert refused.value.status_code == 403
