"""What Airflow still stores about a household that has left, and how the record of the deletion lists it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from include.gas.documents.gas_days import Document

DELETION, HISTORY, WAITING = "grdf_delete_account", "grdf_history", "grdf_waiting_rights"
SHARED = (
    DELETION, HISTORY, "grdf_adopt_konnector", "grdf_consents", "grdf_published", "grdf_send_proof", WAITING,
    "grdf_import_accounts", "grdf_adopt_rights", "grdf_health",
)  # fmt: skip
"""DAGs that work on any account. A run that names an account is removed with it, even if it names other accounts too:
Airflow cannot change the configuration of a run or the names of its mapped tasks. What the run stored is kept."""

REMOVED = (
    "each run with its configuration, notes, tasks, XComs, rendered fields and approvals, and its task logs on the "
    "machine of the task that removed it"
)
_FORM = "dag_run.conf"
_RUN = (_FORM, "rendered_task_instance_fields.rendered_fields", "xcom.value")
_CLEAN = "until you remove it there, or `airflow db clean` does"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that Airflow keeps.

    :param what: what it is, in words
    :param columns: columns of Airflow's database with the account id, as ``table.column``; empty for files
    :param why: why it is kept, and for how long
    """

    what: str
    columns: tuple[str, ...]
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return the entry for the record."""
        return {"what": self.what, "columns": list(self.columns), "why": self.why}


AUDIT_LOG = Kept(
    "Airflow's audit log: who started, changed or removed what for the account, and when",
    ("log.dag_id", "log.extra"),
    "it is the proof of who did it, and Airflow's API cannot remove it: until `airflow db clean --tables log "
    "--skip-archive`",
)
THIS_RUN = Kept(
    "this run of grdf_delete_account: the form, the approval, GRDF's ids of the consents, counts",
    (*_RUN, "hitl_detail.body", "hitl_detail.subject"),
    f"Airflow removes no run that is at work: {_CLEAN}",
)
PERMISSIONS = Kept(
    "the names of the permissions on its DAG, if Airflow's users are kept by FAB",
    ("ab_view_menu.name",),
    "Airflow makes them and keeps them when the DAG is gone: until an administrator removes them under Security",
)
LOGS = Kept(
    "log lines with the account's id, without a meter's number or kWh: of this run, of runs that work on all accounts "
    "and name none, of tasks on other machines, of Airflow's own services",
    (),
    "Airflow's API cannot remove them: until you do",
)
WITHOUT_API = Kept(
    "everything that Airflow remembers of the account: runs, XComs, rendered fields, logs, asset events, its audit log",
    (),
    "[grdf] airflow_conn_id is not set: `airflow dags delete` removes what is of its own DAG, and `airflow db "
    "clean` the rest by its age",
)
DATA_KEPT = Kept(WITHOUT_API.what, (), "the account and its data were to be kept")


def events(number: int) -> Kept:
    """Return the entry for asset events."""
    return Kept(
        f"{number} asset event(s): the account's id, how many days, months and years had changed and when, without the "
        "days; a scheduled run's name gives the gas day that it was about",
        ("asset_event.extra", "asset_event.source_dag_id"),
        "Airflow's API cannot remove them: until `airflow db clean --tables asset_event --skip-archive`",
    )


def not_ended(runs: Collection[tuple[str, str]]) -> Kept:
    """Return the entry for runs that had not ended.

    :param runs: pairs of DAG id and run id
    """
    names = ", ".join(f"{dag} {run}" for dag, run in sorted(runs))
    return Kept(
        f"run(s) that had not ended: {names}",
        (*_RUN, "task_instance.rendered_map_index"),
        f"Airflow removes no run that is at work or waits: {_CLEAN}",
    )


def of_others(runs: Mapping[str, int]) -> Kept:
    """Return the entry for runs of DAGs that do not belong to this project.

    :param runs: number of runs by DAG id
    """
    names = ", ".join(f"{number} of {dag}" for dag, number in sorted(runs.items()))
    return Kept(f"run(s) of other DAGs whose configuration names the account: {names}", (_FORM,), "they are not ours")


def names(conf: object, account: str) -> bool:
    """Return whether the configuration of a run names an account.

    :param conf: the configuration; may be any JSON value
    """
    told = conf if isinstance(conf, Mapping) else {}
    many = told.get("accounts")
    return account in (
        text.strip()
        for text in (told.get("account"), told.get("confirm"), *(many if isinstance(many, list) else [many]))
        if isinstance(text, str)
    )


def with_removed_runs(entry: Mapping[str, Any], found: Mapping[str, int]) -> Document:
    """Return the record with the numbers of runs that are about to be removed.

    Higher numbers from an earlier attempt are kept, since that attempt may have removed the runs.

    :param found: number of runs to remove, by DAG id
    """
    before: Mapping[str, int] = (entry.get("airflow_history") or {}).get("removed") or {}
    numbers = {dag: max(before.get(dag, 0), found.get(dag, 0)) for dag in (*before, *found)}
    return {**entry, "airflow_history": {"removed": {dag: number for dag, number in numbers.items() if number}}}


def with_history(entry: Mapping[str, Any], kept: Collection[Kept]) -> Document:
    """Return the record with what was removed from Airflow and what is kept.

    :param entry: the record, with the runs that were removed
    """
    removed: Mapping[str, int] = (entry.get("airflow_history") or {}).get("removed") or {}
    told = {"removed": dict(removed), **({"removed_with_it": REMOVED} if removed else {})}
    return {**entry, "airflow_history": told | {"kept": [each.as_json() for each in kept]}}
