"""Another household is not taken into an account that was lost or restored, whatever is left of the former one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.consents.owners.former_household import records_of_another
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.errors import DeclarationRefused
from tests.helpers import adict_hook, holder, yesterday
from tests.leaving.runs import extract, load
from tests.rights.scene import bring, document
from tests.rights.tenants import NEXT, SAID, clear_away, end_rights, form, program

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def active(clean: LocalWorld, account_id: str) -> Iterator[None]:
    clean.control.set(declared_right_state="Active")
    yield
    clear_away(account_id)


def read(world: LocalWorld, account: str) -> None:
    day = yesterday(world)
    load(account, extract(account, day), day)


def restored(world: LocalWorld, account: str, stored: dict[str, Any]) -> None:
    """Bring the account back as it was, or as another program makes it."""
    world.book.remove(account)
    world.book.save({key: value for key, value in stored.items() if key != "_rev"})


def with_an_older_right(world: LocalWorld, account: str) -> None:
    """Give the account days under a declared right, then restore it from before, with a right from GRDF's site."""
    own = bring(world, account, holder(account).pces[0])
    before = document(world, account)
    long_ago = utc_text(datetime.now(UTC) - timedelta(days=300))
    before["oauth_callback_results"]["consents"][0]["brought"] = long_ago
    world.book.save(before)
    world.control.revoke(own)
    form(world, account, {})
    read(world, account)
    end_rights(world, account)
    restored(world, account, before)


@pytest.mark.parametrize("way", [form, program])
def test_somebody_else_is_refused_where_a_backup_knows_only_an_older_right(
    clean: LocalWorld, account_id: str, way: Callable[..., None]
) -> None:
    with_an_older_right(clean, account_id)
    with pytest.raises(DeclarationRefused, match=SAID):
        way(clean, account_id, NEXT)


def test_the_same_household_may_connect_where_a_backup_knows_only_an_older_right(
    clean: LocalWorld, account_id: str
) -> None:
    with_an_older_right(clean, account_id)
    program(clean, account_id, {"email": "new@example.org"})
    assert document(clean, account_id)["oauth_callback_results"]["consents"][0]["others"]


def test_somebody_else_is_refused_on_grdfs_site_where_a_backup_knows_only_an_older_right(
    clean: LocalWorld, account_id: str
) -> None:
    with_an_older_right(clean, account_id)
    (pce,) = holder(account_id).pces
    (given,) = clean.control.consent([pce], keep_others=True)
    listed = adict_hook().access_rights([pce], account=account_id)
    brought = [right for right in listed if right.id == given["id_droit_acces"]]
    assert records_of_another(CouchDBHook(), account_id, document(clean, account_id), brought, listed)


@pytest.mark.parametrize("results", [{}, None, {"scope": "openid"}, {"consents": []}])
def test_somebody_else_is_refused_where_an_account_was_made_again_without_a_right(
    clean: LocalWorld, account_id: str, results: object
) -> None:
    """Cozy leaves one like that before the household has consented."""
    form(clean, account_id, {})
    read(clean, account_id)
    end_rights(clean, account_id)
    bare = {"_id": account_id, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results}
    restored(clean, account_id, bare)
    with pytest.raises(DeclarationRefused, match=SAID):
        program(clean, account_id, NEXT)
    restored(clean, account_id, bare)
    program(clean, account_id, {})


@pytest.mark.parametrize("kept", [MONTH, YEAR, PUBLISHED])
def test_somebody_else_is_refused_where_only_other_data_than_days_are_stored(
    clean: LocalWorld, account_id: str, kept: str
) -> None:
    form(clean, account_id, {})
    end_rights(clean, account_id)
    clean.book.remove(account_id)
    couchdb = CouchDBHook()
    couchdb.create_database(kept)
    couchdb.write(kept, [{"_id": f"{account_id}:{holder(account_id).pces[0]}:2026", "load": 12}])
    with pytest.raises(DeclarationRefused, match=SAID):
        form(clean, account_id, NEXT)


def test_anybody_may_connect_where_nothing_is_stored(clean: LocalWorld, account_id: str) -> None:
    """Nobody would be given anything of the former household."""
    with_an_older_right(clean, account_id)
    for doctype in (DAY, MONTH, YEAR, PUBLISHED):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(account_id))
    form(clean, account_id, NEXT)


def test_nobody_looks_for_data_where_an_account_was_never_lost(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each form and each run of a declared account asks whose it is."""

    def forbidden(*_: object) -> None:
        raise AssertionError("CouchDB is asked in vain")

    monkeypatch.setattr(CouchDBHook, "last_id", forbidden)
    form(clean, account_id, {})
    end_rights(clean, account_id)
    form(clean, account_id, {})
