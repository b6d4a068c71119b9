"""Several forms of one account that are sent at once, by people who do not know of each other."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from tests.connect.direct import check as fill_in
from tests.connect.direct import entered, fields_of, persons_in, press, records_of, stored
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.rights.declared import rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

pytestmark = pytest.mark.usefixtures("shelf")

OTHER = {"name": "Petit-Invente", "email": "p.petit@example.org"}
ROUNDS: tuple[tuple[float, float], ...] = ((1.5, 4), (4, 1.5))
"""After how many seconds GRDF answers the first form and the second one, which is sent half a second later."""


def both(door: Site, world: LocalWorld, account: str, delays: tuple[float, float], *forms: dict[str, Any]) -> list[int]:
    """Send two forms, the second one while GRDF is still asked about the first one. Return the answers' states."""
    start = f"/connect/{account}"
    ready = [(door.browser("op"), entered(account, **form)) for form in forms]
    filled = [(browser, fields_of(fill_in(browser, start, typed))) for browser, typed in ready]
    told = []
    with ThreadPoolExecutor(2) as pool:
        for (browser, fields), delay in zip(filled, delays, strict=True):
            world.control.set(faults=[{"path": "/droit_acces$", "method": "PUT", "delay_s": delay, "after": True}])
            told.append(pool.submit(press, browser, start, fields))
            time.sleep(0.7)
        return [each.result().status_code for each in told]


@pytest.mark.parametrize("delays", ROUNDS)
def test_two_that_grdf_refuses_leave_nothing(
    door: Site, clean: LocalWorld, account_id: str, delays: tuple[float, float]
) -> None:
    told = both(door, clean, account_id, delays, {"postcode": "75001"}, {"postcode": "13001"} | OTHER)
    assert told == [422, 422]
    assert stored(account_id) is None
    assert records_of(account_id) == []


@pytest.mark.parametrize("delays", ROUNDS)
def test_one_that_grdf_takes_and_one_that_it_refuses(
    door: Site, clean: LocalWorld, account_id: str, delays: tuple[float, float]
) -> None:
    (pce,) = holder(account_id).pces
    told = both(door, clean, account_id, delays, {}, {"postcode": "13001"} | OTHER)
    assert told[1] == 422
    assert len(rights(clean, pce)) == 1
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    assert persons_in(json.dumps(stored(account_id))) == []
    assert OTHER["email"] not in json.dumps(stored(account_id))
    assert [record.entered.email for record in records_of(account_id)] == [entered(account_id)["email"]]


def test_one_that_waits_stays_when_another_is_refused(door: Site, clean: LocalWorld, account_id: str) -> None:
    """GRDF did not answer, and the account's DAG is to try again. Then somebody else sends a form that is refused."""
    (pce,), browser, start = holder(account_id).pces, door.browser("op"), f"/connect/{account_id}"
    fields = fields_of(fill_in(browser, start, entered(account_id)))
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=5)
    assert press(browser, start, fields).status_code == 303
    clean.control.set(faults=[])
    other = fields_of(fill_in(browser, start, entered(account_id, **OTHER, postcode="13001")))
    assert press(browser, start, other).status_code == 422
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    assert len(rights(clean, pce)) == 1
    assert [record.entered.email for record in records_of(account_id)] == [entered(account_id)["email"]]
