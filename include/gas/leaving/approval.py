"""Who has approved a deletion: an approval is of one run as it was asked for, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.leaving.deletion_record import audit_id

APPROVED_FOR = timedelta(days=7)
"""How long an approval is good for."""


def may_approve(asker: str | None, approver: str | None, *, by_one_person: bool) -> bool:
    """Return whether somebody may approve a deletion: not who asked for it, unless one person runs the installation.

    :param asker: Airflow's name of who started the run, None when it does not say
    :param approver: Airflow's name of who approves
    :param by_one_person: whether the asker may approve
    """
    if not approver:
        return False
    return by_one_person or (bool(asker) and str(asker).casefold() != approver.casefold())


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do, and for whom: an approval is of that alone.

    :param run: Airflow run id. Whoever starts a run can choose it, also that of a run that was removed
    :param started: when Airflow started the run, UTC text. Nobody can choose it, and it changes when tasks of a run
        that has ended are cleared
    :param asked_by: who started the run, None when Airflow does not say
    :param keep_data: only revoke
    """

    run: str
    started: str
    asked_by: str | None
    keep_data: bool


def approvals_of(account: str) -> str:
    """Return what stands for the account in the ids of its approvals; no account can have it for its own id.

    :param account: account id
    """
    return f"approved.{account}"


def approval_id(account: str, run: str) -> str:
    """Make the id under which an approval waits for its run.

    :param account: account id
    :param run: Airflow run id
    """
    return audit_id(approvals_of(account), run)


def approval(account: str, order: Order, *, plan: str, by: str, at: datetime) -> Document:
    """Write down that a deletion was approved, until its record takes it over.

    :param account: account id
    :param order: what was approved
    :param plan: :meth:`Plan.digest` of what the approver has read
    :param by: who approved
    :param at: when, aware
    """
    told = {"account": account, **asdict(order), "plan": plan, "by": by, "at": utc_text(at)}
    return {"_id": approval_id(account, order.run), **told}


def holds(given: Mapping[str, Any], order: Order, *, now: datetime, by_one_person: bool) -> bool:
    """Return whether an approval is one of what a run does, by somebody who may give it, and not out of date.

    :param given: made by :func:`approval`, or as a record has it
    :param order: what the run does
    :param now: the present, aware
    :param by_one_person: as for :func:`may_approve`
    """
    of_this = bool(order.started) and all(given.get(name) == value for name, value in asdict(order).items())
    fresh = str(given.get("at", "")) > utc_text(now - APPROVED_FOR)
    return of_this and fresh and may_approve(order.asked_by, given.get("by"), by_one_person=by_one_person)


def with_approval(entry: Mapping[str, Any], given: Mapping[str, Any] | None) -> Document:
    """Note in a record who approved a run of the deletion.

    :param entry: the record
    :param given: made by :func:`approval`; None when the settings ask for none
    """
    noted = list(entry.get("approvals", []))
    if given is None:
        return dict(entry)
    new = {key: value for key, value in given.items() if key != "account" and not key.startswith("_")}
    return {**entry, "approved_by": given["by"], "approvals": [*(each for each in noted if each != new), new]}
