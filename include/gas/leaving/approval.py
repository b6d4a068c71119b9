"""Approvals of deletions. An approval is valid for one run, exactly as that run was requested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.leaving.deletion_record import audit_id

APPROVED_FOR = timedelta(days=7)
"""How long an approval is valid."""


def may_approve(asker: str | None, approver: str | None, *, by_one_person: bool) -> bool:
    """Return whether a person may approve a deletion.

    The person who asked for it may not, unless one person runs the installation.

    :param asker: Airflow user who started the run; ``None`` if unknown
    :param approver: Airflow user who approves; ``None`` if unknown
    :param by_one_person: whether people may approve what they asked for
    """
    if not approver:
        return False
    return by_one_person or (bool(asker) and str(asker).casefold() != approver.casefold())


@dataclass(frozen=True, slots=True)
class Order:
    """What a run must do and who asked for it. An approval is valid for this order only.

    :param run: Airflow run id. The person who starts a run can choose it, and can reuse the id of a removed run
    :param started: when Airflow started the run, UTC text. Nobody can choose it. It changes when tasks of a finished
        run are cleared
    :param asked_by: Airflow user who started the run; ``None`` if unknown
    """

    run: str
    started: str
    asked_by: str | None
    keep_data: bool


def approvals_of(account: str) -> str:
    """Return the first part of the ids of an account's approvals. It contains a dot, so it is never an account id."""
    return f"approved.{account}"


def approval_id(account: str, run: str) -> str:
    """Return the id of an approval that waits for its run."""
    return audit_id(approvals_of(account), run)


def approval(account: str, order: Order, *, plan: str, by: str | None = None, at: datetime | None = None) -> Document:
    """Return the document of an approval, from the question on until it is part of the record of the deletion.

    :param order: what was approved
    :param plan: :meth:`Plan.digest` of the plan that the approver reads
    :param by: Airflow user who approved; ``None`` if nobody has yet
    :param at: when the approval was given, aware; ``None`` as well
    """
    told = {"account": account, **asdict(order), "plan": plan, "by": by, "at": utc_text(at) if at else ""}
    return {"_id": approval_id(account, order.run), **told}


def holds(given: Mapping[str, Any], order: Order, *, now: datetime, by_one_person: bool) -> bool:
    """Return whether an approval is valid for a run: for the same order, by a person who may give it, and not expired.

    :param given: made by :func:`approval`, or an entry from the record
    :param order: what the run does
    :param by_one_person: see :func:`may_approve`
    """
    of_this = bool(order.started) and all(given.get(name) == value for name, value in asdict(order).items())
    fresh = str(given.get("at", "")) > utc_text(now - APPROVED_FOR)
    return of_this and fresh and may_approve(order.asked_by, given.get("by"), by_one_person=by_one_person)


def with_approval(entry: Mapping[str, Any], given: Mapping[str, Any] | None) -> Document:
    """Return the record with the approval of a run of the deletion.

    :param given: made by :func:`approval`; ``None`` if the settings require no approval
    """
    noted = list(entry.get("approvals", []))
    if given is None:
        return dict(entry)
    new = {key: value for key, value in given.items() if key != "account" and not key.startswith("_")}
    return {**entry, "approved_by": given["by"], "approvals": [*(each for each in noted if each != new), new]}
