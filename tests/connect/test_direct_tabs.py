"""Several forms of one account, by people who do not know of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import DeclarationRefused
from tests.connect.dance import said
from tests.connect.direct import check as fill_in
from tests.connect.direct import entered, fields_of, persons_in, press, records_of, send, stored
from tests.connect.links import link_for, path_of
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.rights.declared import rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Browser, Site

pytestmark = pytest.mark.usefixtures("shelf")

OTHER = {"name": "Petit-Invente", "email": "p.petit@example.org"}


def waiting(door: Site, world: LocalWorld, account: str) -> Browser:
    """Send a form that GRDF does not answer, so that the account's DAG is to try again."""
    browser, start = door.browser("op"), f"/connect/{account}"
    fields = fields_of(fill_in(browser, start, entered(account)))
    world.control.fault("/droit_acces$", method="PUT", status=503, times=5)
    assert press(browser, start, fields).status_code == 303
    world.control.set(faults=[])
    return browser


@pytest.mark.parametrize("way", ["operator", "household"])
@pytest.mark.parametrize("more", [{}, {"postcode": "13001"}])
def test_one_that_waits_stays_when_somebody_else_sends_another(
    front: Site, clean: LocalWorld, account_id: str, way: str, more: dict[str, str]
) -> None:
    (pce,) = holder(account_id).pces
    browser, start = waiting(front, clean, account_id), f"/connect/{account_id}"
    before, proof = stored(account_id), {}
    if way == "household":
        browser, start, proof = front.browser(), path_of(link_for(front, account_id)), {"proof": None}
    answer = send(browser, start, entered(account_id, **OTHER, **more, **proof))
    assert answer.status_code == 409
    assert "GRDF has not answered" in said(answer).text
    assert "Nothing was sent" in said(answer).text
    assert persons_in(answer.text) == []
    assert way == "operator" or account_id not in answer.text
    assert stored(account_id) == before
    assert way == "operator" or browser.get(start).status_code == 200, "its link is still valid"
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    (right,) = rights(clean, pce)
    assert [record.entered.email for record in records_of(account_id)] == [right["courriel_titulaire"]]
    assert right["courriel_titulaire"] == entered(account_id)["email"]


def test_one_that_waits_may_be_sent_again_by_the_same_person(door: Site, clean: LocalWorld, account_id: str) -> None:
    browser = waiting(door, clean, account_id)
    answer = send(browser, f"/connect/{account_id}", entered(account_id, phone="+33 6 11 11 11 11"))
    assert answer.status_code == 303
    assert len(rights(clean, holder(account_id).pces[0])) == 1


def test_one_that_was_refused_may_be_replaced(door: Site, clean: LocalWorld, account_id: str) -> None:
    """GRDF has refused it to the account's DAG."""
    browser = waiting(door, clean, account_id)
    document = stored(account_id) or {}
    document["declaration"] |= {"postcode": "13001"}
    clean.book.save(document)
    with pytest.raises(DeclarationRefused):
        acquire(account_id, "scheduled")
    assert send(browser, f"/connect/{account_id}", entered(account_id, **OTHER)).status_code == 303
    (right,) = rights(clean, holder(account_id).pces[0])
    assert right["courriel_titulaire"] == OTHER["email"]
