"""A backup brings back the waiting declaration of a household that has left: GRDF gets no right in its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.stores.removal import Remover
from include.gas.account.connected import declaring
from include.gas.account.declaration import Declaration
from include.gas.account.marks import Connected
from include.gas.days.gas_day import utc_text
from include.gas.display.overview import overview
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import LeftBefore
from tests.helpers import holder
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, calls, give, postcode
from tests.rights.scene import document

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture(autouse=True)
def nothing_stays_for_other_tests(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> Iterator[None]:
    yield
    clean.book.remove(account_id)
    Remover(couchdb).remove_range(AUDIT, *account_range(account_id))


def connect(world: LocalWorld, account: str, at: datetime, before: dict[str, Any] | None = None) -> str:
    """Fill in the form as a household or an operator does, and return the meter."""
    (pce,) = holder(account).pces
    asked = Declaration(pce=pce, **{**PERSON, "postcode": postcode(pce)})
    world.book.save(declaring(before, account, asked, Connected(utc_text(at), "household")))
    return pce


def left_and_restored(world: LocalWorld, account: str) -> dict[str, Any]:
    backup = document(world, account)
    delete(account, started=datetime.now(UTC))
    assert document(world, account) == {}
    world.book.save({key: each for key, each in backup.items() if key != "_rev"})
    return document(world, account)


def sent(world: LocalWorld) -> int:
    return sum(method == "PUT" for method, _ in calls(world))


@pytest.mark.parametrize("way", ["the page", "another program"])
@pytest.mark.parametrize("checked", [False, True])
def test_it_is_not_sent(clean: LocalWorld, account_id: str, way: str, checked: bool) -> None:
    if way == "the page":
        connect(clean, account_id, datetime.now(UTC) - timedelta(hours=2))
    else:
        give(clean, account_id)
    left_and_restored(clean, account_id)
    if checked:
        check()
    else:
        with pytest.raises(LeftBefore, match=f"^Account {account_id}: its household left on 20"):
            acquire(account_id)
    calls(clean)
    for run_type in ("scheduled", "scheduled" if checked else "manual"):
        with pytest.raises(AirflowSkipException if run_type == "scheduled" else LeftBefore):
            acquire(account_id, run_type)
    assert sent(clean) == 0
    stored = document(clean, account_id)
    assert stored["state"] == "USER_ACTION_NEEDED"
    assert "Start grdf_delete_account for it again" in stored["state_message"]
    check()
    assert overview(document(clean, account_id)).leaving, "so that nobody writes to its household"
    delete(account_id, run_id="run-2", started=datetime.now(UTC))
    assert document(clean, account_id) == {}
