"""Removes the stored periods that GRDF has withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.gas.documents.billing.periods import withdrawn_periods
from include.gas.documents.doctypes import PUBLISHED
from include.gas.documents.gas_days import account_range
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook


def remove_withdrawn(couchdb: CouchDBHook, account: str, pce: str, log: Log) -> int:
    """Remove the periods of a meter that a later whole answer of GRDF's has replaced by others on the same days.

    No total changes with it, since such a period counts no more as soon as the other one is stored. It is removed only
    once it is sure that the other one is the household's own, and against the revision that was read.

    :param pce: the meter's number
    :return: how many periods were removed
    """
    gone = withdrawn_periods(couchdb.range(PUBLISHED, *account_range(account, pce)))
    if not gone:
        return 0
    left = [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in gone]
    removed = len(couchdb.write(PUBLISHED, left).written)
    log.info(
        "Account %s, meter %s: %d published period(s) are removed, since GRDF names others on their days.",
        account, meter_tag(account, pce), removed,
    )  # fmt: skip
    return removed
