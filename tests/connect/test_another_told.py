"""An operator hears by which record an account is another household's. Whom GRDF names as its holder is let in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from tests.connect.dance import said, whole
from tests.connect.direct import PERSON, entered, send
from tests.connect.links import link_for, path_of
from tests.connect.site import Site
from tests.helpers import holder
from tests.leaving.runs import check as morning
from tests.rights.scene import document
from tests.rights.tenants import NEXT, clear_away, end_rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.gas.documents.stored_consent import ConsentRecord
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    clean.control.set(declared_right_state="Active")
    yield
    clear_away(account_id)


def recorded(world: LocalWorld, site: Site, account: str) -> ConsentRecord:
    """Give an account the right of the holder whom GRDF names, which has ended, and the record of somebody else."""
    assert said(whole(site.browser("op"), account)).status == 200
    (pce,) = holder(account).pces
    record = new_record(account, Declaration(pce=pce, **PERSON), datetime.now(UTC), by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(record)
    end_rights(world, account)
    morning()
    world.control.clear_log()
    return record


def calls(world: LocalWorld) -> list[str]:
    """Return the methods of the calls about rights that GRDF has answered."""
    log = world.control.log()
    return [call["method"] for call in log if "/droit" in call["path"] and call["status"] < 300]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_operator_hears_the_record_and_its_day(
    door: Site, clean: LocalWorld, account_id: str, language: str
) -> None:
    record = recorded(clean, door, account_id)
    browser = door.browser("op")
    browser.headers["Accept-Language"] = language
    page = send(browser, f"/connect/{account_id}", entered(account_id, **NEXT))
    assert page.status_code == 422
    assert f"{record.id} ({record.given[:10]})" in page.text
    assert [each for each in PERSON.values() if each in page.text] == []


def test_a_household_with_a_link_does_not(front: Site, clean: LocalWorld, account_id: str) -> None:
    recorded(clean, front, account_id)
    start = path_of(link_for(front, account_id))
    page = send(front.browser(), start, entered(account_id, proof=None, **NEXT))
    assert page.status_code == 422
    assert "Another household is or was connected here" in page.text
    assert account_id not in page.text


def test_whom_grdf_names_may_connect_by_the_form(door: Site, clean: LocalWorld, account_id: str) -> None:
    recorded(clean, door, account_id)
    typed = entered(account_id, name=holder(account_id).last_name, email="new@example.org")
    assert send(door.browser("op"), f"/connect/{account_id}", typed).status_code == 303
    # The page asks once for both of its looks, and the declaration once more, as a run would.
    assert calls(clean) == ["POST", "POST", "PUT"]


def test_whom_grdf_names_may_connect_on_its_site_and_nothing_more_is_asked(
    door: Site, clean: LocalWorld, account_id: str
) -> None:
    recorded(clean, door, account_id)
    assert said(whole(door.browser("op"), account_id)).title == f"Account {account_id} is connected"
    assert calls(clean) == ["POST"]


def test_a_form_waits_for_grdf_if_its_list_does_not_come(door: Site, clean: LocalWorld, account_id: str) -> None:
    recorded(clean, door, account_id)
    before = document(clean, account_id)
    clean.control.fault("/droits_acces$", method="POST", status=503)
    page = send(door.browser("op"), f"/connect/{account_id}", entered(account_id, **NEXT))
    assert page.status_code == 503
    assert document(clean, account_id) == before
    assert len(ConsentRecords(CouchDBHook()).of(account_id)) == 1
