"""Another household that agrees on GRDF's site is not taken into the account of the one that was declared before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grdf.stores.household_links import link_document
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONNECT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from tests.connect.dance import begin, consent, said, stored_account, whole
from tests.connect.direct import PERSON, entered, send
from tests.connect.links import link_for, path_of
from tests.connect.site import Site
from tests.helpers import holder
from tests.leaving.runs import check as morning
from tests.rights.declared import rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture(autouse=True)
def setting(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    clean.control.set(declared_right_state="Active")
    yield
    Remover(couchdb).remove_range(CONSENT_RECORD, *account_range(account_id))


def moved_out(world: LocalWorld, site: Site, account: str, **person: str) -> None:
    """Let a household be declared for an account, and its right end."""
    (pce,) = holder(account).pces
    assert send(site.browser("op"), f"/connect/{account}", entered(account, **person)).status_code == 303
    world.control.revoke(rights(world, pce)[0]["id_droit_acces"])
    morning()


def test_the_next_tenant_is_refused(door: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    moved_out(clean, door, account_id)
    before = stored_account(couchdb, account_id)
    told = said(whole(door.browser("op"), account_id))
    assert (told.status, told.title) == (409, "Another household is or was connected here")
    assert "remains at GRDF, unused" in told.text
    assert [each for each in PERSON.values() if each in told.text] == []
    assert stored_account(couchdb, account_id) == before


def test_a_household_with_a_link_hears_what_to_do_and_not_who_it_was(
    front: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    moved_out(clean, front, account_id)
    browser = front.browser()
    page = browser.get(consent(begin(browser, account_id, path=path_of(link_for(front, account_id)))))
    told = said(page)
    assert (told.status, told.title) == (409, "Another household is or was connected here")
    assert "for a link of your own" in told.text
    assert [each for each in (account_id, *PERSON.values()) if each in page.text] == []
    link = couchdb.get(CONNECT, link_document(account_id))
    assert link
    assert link["tries"] == 1, "so that nobody guesses with it who lived here"
    log = (front.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert f"Account {account_id}: a household was not connected on GRDF's site" in log
    assert [each for each in PERSON.values() if each in log] == []


@pytest.mark.parametrize(
    "person", [{"name": "{last}"}, {"name": "Autre", "email": "{email}"}, {"name": "{last} {first}"}]
)
def test_the_same_household_may_come_the_other_way(
    door: Site, clean: LocalWorld, account_id: str, person: dict[str, str]
) -> None:
    who = holder(account_id)
    moved_out(
        clean,
        door,
        account_id,
        **{key: text.format(first=who.first_name, last=who.last_name, email=who.email) for key, text in person.items()},
    )
    assert said(whole(door.browser("op"), account_id)).title == f"Account {account_id} is connected"
