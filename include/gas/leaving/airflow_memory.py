"""What Airflow remembers of a household that has left: which runs name it, and what a deletion's record says of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from include.gas.documents.gas_days import Document

DELETION, HISTORY = "grdf_delete_account", "grdf_history"
SHARED = (DELETION, HISTORY, "grdf_adopt_konnector", "grdf_consents", "grdf_published")
"""DAGs that work on any account. A run of theirs that names an account goes with it, also when it names others: what
they have stored stays, and Airflow can neither change a run's configuration nor the names of its mapped tasks."""

REMOVED = (
    "each run with its configuration, notes, tasks, XComs, rendered fields and approvals, and its task logs on the "
    "machine of the task that removed it"
)
_FORM = "dag_run.conf"
_RUN = (_FORM, "rendered_task_instance_fields.rendered_fields", "xcom.value")
_CLEAN = "until you remove it there, or `airflow db clean` does"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays.

    :param what: what it is
    :param columns: where the account's id stands, in Airflow's database: ``table.column``; none for files
    :param why: the reason, and until when
    """

    what: str
    columns: tuple[str, ...]
    why: str

    def as_json(self) -> dict[str, Any]:
        """Write it for the record."""
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
LOGS = Kept(
    "log lines with the account's id, without a meter's number or kWh: of this run, of runs that work on all accounts "
    "and name none, of tasks on other machines, of Airflow's own services",
    (),
    "Airflow's API cannot remove them: until you do",
)
WITHOUT_API = Kept(
    "everything that Airflow remembers of the account: runs, XComs, rendered fields, logs, asset events, its audit log",
    (),
    "[grdf] deletion_airflow_conn_id is not set: `airflow dags delete` removes what is of its own DAG, and `airflow db "
    "clean` the rest by its age",
)
DATA_KEPT = Kept(WITHOUT_API.what, (), "the account and its data were to be kept")


def events(number: int) -> Kept:
    """Say that events stay.

    :param number: how many
    """
    return Kept(
        f"{number} asset event(s): the account's id, how many days, months and years had changed and when, without the "
        "days; a scheduled run's name gives the gas day that it was about",
        ("asset_event.extra", "asset_event.source_dag_id"),
        "Airflow's API cannot remove them: until `airflow db clean --tables asset_event --skip-archive`",
    )


def not_ended(runs: Collection[tuple[str, str]]) -> Kept:
    """Say that runs stay which are not over.

    :param runs: DAG id and run id of each
    """
    names = ", ".join(f"{dag} {run}" for dag, run in sorted(runs))
    return Kept(
        f"run(s) that had not ended: {names}",
        (*_RUN, "task_instance.rendered_map_index"),
        f"Airflow removes no run that is at work or waits: {_CLEAN}",
    )


def of_others(runs: Mapping[str, int]) -> Kept:
    """Say that runs stay of DAGs that are not this project's.

    :param runs: DAG id to number
    """
    names = ", ".join(f"{number} of {dag}" for dag, number in sorted(runs.items()))
    return Kept(f"run(s) of other DAGs whose configuration names the account: {names}", (_FORM,), "they are not ours")


def names(conf: object, account: str) -> bool:
    """Return whether a run's configuration names an account.

    :param conf: the configuration, whatever somebody has written into it
    :param account: account id
    """
    told = conf if isinstance(conf, Mapping) else {}
    many = told.get("accounts")
    return account in (
        text.strip()
        for text in (told.get("account"), told.get("confirm"), *(many if isinstance(many, list) else [many]))
        if isinstance(text, str)
    )


def with_removed_runs(entry: Mapping[str, Any], found: Mapping[str, int]) -> Document:
    """Note which runs are about to be removed; what a former try has noted, which may have removed them, stays.

    :param entry: the record
    :param found: DAG id to number of runs that will be removed
    """
    before: Mapping[str, int] = (entry.get("airflow_history") or {}).get("removed") or {}
    numbers = {dag: max(before.get(dag, 0), found.get(dag, 0)) for dag in (*before, *found)}
    return {**entry, "airflow_history": {"removed": {dag: number for dag, number in numbers.items() if number}}}


def with_history(entry: Mapping[str, Any], kept: Collection[Kept]) -> Document:
    """Note in a record what was removed and what stays.

    :param entry: the record, with the runs that were removed
    :param kept: what stays
    """
    removed: Mapping[str, int] = (entry.get("airflow_history") or {}).get("removed") or {}
    told = {"removed": dict(removed), **({"removed_with_it": REMOVED} if removed else {})}
    return {**entry, "airflow_history": told | {"kept": [each.as_json() for each in kept]}}
