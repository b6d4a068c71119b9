"""Households with the same meter, one after the other or at once, each with a right of its own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from include.sandbox.local_world import LocalWorld
from tests.helpers import context, enter_rights, yesterday
from tests.leaving.runs import acquire, extract, load

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def bring(world: LocalWorld, account: str, pce: str, *, days: int = 40, **terms: Any) -> str:
    terms = {"conso_debut": str(yesterday(world) - timedelta(days=days)), "keep_others": True} | terms
    (right,) = world.control.consent([pce], **terms)
    own = str(right["id_droit_acces"])
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": own}]}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results})
    enter_rights(account, [right])
    return own


def other_of(account: str) -> str:
    return f"other-{70_000 + int(account.rpartition('-')[2])}"


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def consents(world: LocalWorld, account: str) -> list[dict[str, Any]]:
    return list(document(world, account)["oauth_callback_results"]["consents"])


def run(world: LocalWorld, account: str, run_type: str = "scheduled") -> None:
    day = yesterday(world)
    acquire(account, run_type)
    load(account, extract(account, day, run_type, try_number=1), day)


def check(*accounts: str, dry_run: bool | None = None, by: str = "someone", cleared: bool = False) -> dict[str, int]:
    from airflow.sdk import DAG

    from grdf.operators.check_rights import CheckRightsOperator

    operator = CheckRightsOperator(task_id="check_consents", dag=DAG("steps", schedule=None))
    at_hand = context(run_type="manual") | {"params": {"accounts": list(accounts), "dry_run": dry_run}}
    at_hand["dag_run"].triggering_user_name = by
    at_hand["dag_run"].clear_number = int(cleared)
    return dict(operator.execute(at_hand))
