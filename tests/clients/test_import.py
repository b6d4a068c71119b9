"""An import asks GRDF about an account with the account's own client."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.account_store import AccountStore
from tests.clients.scene import CLIENTS, SOUTH, USUAL, asked_by, with_extra
from tests.helpers import context
from tests.importing.scene import LOG, household, outcomes, put
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(570_000)


def import_of(homes: list[dict[str, str]], connection: str = "", run_id: str = "") -> list[tuple[str, str]]:
    """Import households, and return the outcomes."""
    from airflow.sdk import DAG

    from grdf.operators.ways_in.import_accounts import ImportAccountsOperator

    name = f"{secrets.token_hex(4)}.csv"
    put(homes, name)
    operator = ImportAccountsOperator(task_id="import", file=name, dag=DAG("steps", schedule=None))
    operator._cached_logger = LOG  # type: ignore[assignment]  # else Airflow writes to standard output
    params = {"file": name, "dry_run": False, "skip_wrong_lines": False, "connection": connection}
    at_hand = context(run_type="manual", run_id=run_id or secrets.token_hex(8)) | {"params": params}
    at_hand["dag_run"].triggering_user_name = "an-operator"
    operator.execute(at_hand)  # type: ignore[arg-type]  # the part of the context that is read
    return outcomes(name)


def ended(world: LocalWorld, home: dict[str, str]) -> None:
    """End a household's right, and let the account learn of it."""
    for right in world.control.consents():
        if right["id_pce"] == home["pce"]:
            world.control.revoke(right["id_droit_acces"])
    AccountStore(CouchDBHook()).note_listed(datetime.now(UTC) - timedelta(days=2), SOUTH)
    check()


@pytest.fixture
def former(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A household of the second client whose right has ended."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    two.control.set(declared_right_state="Active")
    home, other = (household(next(_numbers)) for _ in range(2))
    assert import_of([home, other], SOUTH) == [(each["account"], "declared") for each in (home, other)]
    ended(two, home)
    return home


def test_whose_an_account_is_is_asked_with_its_own_client(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, former: dict[str, str]
) -> None:
    somebody = former | {"name": "Somebody-Else", "email": "planted-else@example.org"}
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    two.control.clear_log()
    assert import_of([somebody]) == [(former["account"], "refused")]
    assert asked_by(two) == {CLIENTS[SOUTH]}


def test_a_line_of_an_account_of_no_client_is_refused(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, former: dict[str, str]
) -> None:
    somebody = former | {"name": "Somebody-Else", "email": "planted-else@example.org"}
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", USUAL)
    two.control.clear_log()
    assert import_of([somebody]) == [(former["account"], "refused")]
    assert asked_by(two) == set()
