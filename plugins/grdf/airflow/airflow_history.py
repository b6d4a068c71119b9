"""What Airflow remembers of an account, found and removed as far as Airflow's API allows."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import conf

from grdf.airflow.announcing import ADOPTION
from include.gas.documents.gas_days import dag_id
from include.gas.leaving.airflow_memory import HISTORY, SHARED, WAITING, Kept, events, names, not_ended, of_others

if TYPE_CHECKING:
    from grdf.hooks.airflow_api import AirflowApiHook


@dataclass(frozen=True, slots=True)
class Found:
    """What Airflow remembers of an account.

    :param own: id of the account's own DAG
    :param own_runs: number of its runs
    :param shared: runs of shared DAGs that name the account: DAG id, run id, and whether the run has ended
    :param others: DAGs that are not ours, with the number of their runs whose configuration names the account
    :param events: number of asset events about the account
    """

    own: str
    own_runs: int
    shared: tuple[tuple[str, str, bool], ...]
    others: Counter[str]
    events: int

    @property
    def to_remove(self) -> Counter[str]:
        """The runs that can be removed: DAG id to number."""
        return Counter({self.own: self.own_runs}) + Counter(dag for dag, _, ended in self.shared if ended)

    @property
    def kept(self) -> list[Kept]:
        """What cannot be removed."""
        waiting = [(dag, run) for dag, run, ended in self.shared if not ended]
        return [
            *([events(self.events)] if self.events else []),
            *([not_ended(waiting)] if waiting else []),
            *([of_others(self.others)] if self.others else []),
        ]


class AirflowHistory:
    """Finds and removes what Airflow remembers of an account. It is safe to repeat."""

    def __init__(self, api: AirflowApiHook) -> None:
        self._api = api

    def find(self, account: str, *, this_run: str) -> Found:
        """Return what Airflow remembers of an account.

        :param this_run: run id of the calling deletion, which is left out
        :raises BadSettings: if Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer
        """
        own = dag_id(account)
        shared: list[tuple[str, str, bool]] = []
        others: Counter[str] = Counter()
        for run in self._runs(account):
            dag, name = run["dag_id"], run["dag_run_id"]
            if dag in SHARED and name != this_run:
                shared.append((dag, name, run["state"] in ("success", "failed")))
            elif dag not in (own, *SHARED):
                others[dag] += 1
        told = self._number("/assets/events", source_dag_id=own)
        for source in (HISTORY, ADOPTION):
            for event in self._api.listed("/assets/events", "asset_events", order_by="timestamp", source_dag_id=source):
                told += (event.get("extra") or {}).get("account") == account
        return Found(own, self._number(f"/dags/{own}/dagRuns"), tuple(shared), others, told)

    def remove(self, found: Found) -> None:
        """Remove what can be removed, including the task logs on this machine.

        :raises BadSettings: if Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer
        """
        self._api.delete(f"/dags/{found.own}")
        _remove_logs(found.own)
        for dag, run, ended in found.shared:
            if ended:
                self._api.delete(f"/dags/{dag}/dagRuns/{quote(run, safe='')}")
                _remove_logs(dag, run)

    def _runs(self, account: str) -> Iterator[dict[str, Any]]:
        """Yield the runs of any DAG that name an account in their form, and those for all accounts that acted on it."""
        for run in self._api.listed("/dags/~/dagRuns", "dag_runs", conf_contains=account):
            if names(run.get("conf"), account):
                yield run
        for run in self._api.listed(f"/dags/{HISTORY}/dagRuns", "dag_runs"):
            form = run.get("conf") or {}
            if not form.get("accounts") and not names(form, account) and self._planned(run["dag_run_id"], account):
                yield run

        # Those that started the account's DAG once its holder had accepted.
        for task in self._api.listed(f"/dags/{WAITING}/dagRuns/~/taskInstances", "task_instances", state="success"):
            if (task.get("rendered_fields") or {}).get("trigger_dag_id") == dag_id(account):
                yield self._api.get(f"/dags/{WAITING}/dagRuns/{quote(task['dag_run_id'], safe='')}")

    def _planned(self, run: str, account: str) -> bool:
        """Return whether a re-read of all accounts included this account."""
        path = f"/dags/{HISTORY}/dagRuns/{quote(run, safe='')}/taskInstances/plan/xcomEntries/return_value"
        planned = self._api.get(path).get("value")
        return isinstance(planned, list) and account in planned

    def _number(self, path: str, **query: str) -> int:
        return int(self._api.get(path, limit="1", **query).get("total_entries", 0))


def _remove_logs(dag: str, run: str | None = None) -> None:
    folder = Path(conf.get("logging", "base_log_folder")) / f"dag_id={dag}"
    shutil.rmtree(folder / f"run_id={run}" if run else folder, ignore_errors=True)
