"""Users who may start the DAGs for any account, but act on one account alone, and the site that knows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from include.gas.documents.gas_days import dag_id
from tests.connect.site import FabSite, Site
from tests.helpers import wait

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OWN, OTHER = FabSite.OWN, "somebody-elses"
RANGE = {"from": "2026-03-01", "to": "2026-03-02"}
DAGS = (
    "grdf_delete_account", "grdf_history", "grdf_adopt_konnector", "grdf_published", "grdf_consents",
    "grdf_import_accounts", "grdf_adopt_rights", "grdf_send_proof",
)  # fmt: skip


class KeeperSite(FabSite):
    """A site with one more user, the ``keeper`` of one account, who may start runs of some DAGs only."""

    def __init__(self, home: Path, world: LocalWorld) -> None:
        super().__init__(home, world)
        self.passwords["keeper"] = "kept-" + self.passwords["stranger"]
        own = [(action, f"DAG:{dag}") for dag in (*DAGS, dag_id(OWN)) for action in ("can_read", "can_edit")]
        self.roles["Keeper"] = [*own, ("can_create", "DAG Runs"), ("can_read", "DAG Runs")]
        # One who may also connect households.
        self.passwords["agent"] = "sent-" + self.passwords["stranger"]
        self.roles["Agent"] = [*self.roles["Keeper"], ("can_read", "Connections"), ("can_edit", "Connections")]


class ClearerSite(KeeperSite):
    """A site with a ``clearer``, who may do everything with the runs and tasks of these DAGs, and with no account."""

    def __init__(self, home: Path, world: LocalWorld) -> None:
        super().__init__(home, world)
        of_runs = [
            (action, what)
            for what in ("DAG Runs", "Task Instances")
            for action in ("can_create", "can_read", "can_edit", "can_delete")
        ]
        dags = [(action, f"DAG:{dag}") for dag in DAGS for action in ("can_read", "can_edit", "can_delete")]
        self.passwords["clearer"] = "clear-" + self.passwords["stranger"]
        self.roles["Clearer"] = [*dags, *of_runs]
        self.roles["Keeper"] = [*self.roles["Keeper"], *of_runs]


def start(site: Site, who: str, dag: str, **conf: Any) -> requests.Response:
    return post(site, who, f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})


def post(site: Site, who: str, path: str, body: dict[str, Any]) -> requests.Response:
    def tried() -> tuple[requests.Response] | None:
        answer = site.program(who).post(f"{site.url}/api/v2/{path}", json=body, timeout=60)
        return None if answer.status_code in (500, 503) else (answer,)  # SQLite may be locked at that moment

    return wait(tried)[0]  # type: ignore[no-any-return]  # a refusal counts as false by itself
