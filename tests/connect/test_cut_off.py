"""A household whose form was cut off, because the API server was killed, can go on; no right is declared twice."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.connect import link_access
from grdf.page.connect.direct_form import Ticket
from grdf.page.connect.exchange import Stop
from grdf.page.direct import declaring_now
from grdf.page.direct.declaring_now import Order, _Sending
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import CUT_OFF, TRIES, HouseholdLinks, link_document
from grdf.stores.records.consent_records import BEFORE_KEPT
from grdf.stores.records.orphaned_records import OrphanedRecords
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.doctypes import ACCOUNT, CONNECT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from tests.connect.direct import records_of, stored
from tests.helpers import MemoryShelf, adict_hook, holder
from tests.rights.declared import PERSON, postcode, rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.sandbox.local_world import LocalWorld

LATER = CUT_OFF + 5


@pytest.fixture(autouse=True)
def here(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send forms in this process."""
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
    monkeypatch.setattr(declaring_now, "adict", lambda *_: adict_hook())
    monkeypatch.setattr(declaring_now, "start_first_run", lambda *_: None)
    monkeypatch.setattr(_Sending, "_check_calls", lambda _: None)
    yield
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(account_id))


def link_of(account: str) -> str:
    link = secrets.token_hex(8)
    HouseholdLinks(CouchDBHook()).make(account, link, time.time() + 7 * 86_400)
    return link


def sending(account: str, link: str) -> _Sending:
    (pce,) = holder(account).pces
    asked = Declaration(pce=pce, perimeters=["informatives"], **{**PERSON, "postcode": postcode(pce)})
    ticket = Ticket(secrets.token_hex(8), account, "", link, "", int(time.time()) + 900)
    return _Sending(CouchDBHook(), Order(ticket, asked, "household"))


def cut_off(account: str, link: str, where: str, monkeypatch: pytest.MonkeyPatch, of: type[Any] = _Sending) -> None:
    """Kill the server before a step of a form."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(of, where, killed)
        with pytest.raises(KeyboardInterrupt):
            sending(account, link).send()


def pass_by(account: str, seconds: int) -> None:
    """Let some time pass since the link was used."""
    document = CouchDBHook().get(CONNECT, link_document(account))
    assert document
    CouchDBHook().put(CONNECT, document | {"taken": document["taken"] - seconds})


def is_used(account: str, link: str) -> bool:
    try:
        link_access.check_link(link, account)
    except Stop as stop:
        return stop.key == "connect.link_used"
    return False


def test_the_link_is_good_again_after_a_while(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(account_id)
    cut_off(account_id, link, "_write", monkeypatch)
    assert is_used(account_id, link), "the form may still be on its way"
    pass_by(account_id, LATER)
    assert not is_used(account_id, link)
    sending(account_id, link).send()
    assert len(records_of(account_id)) == len(rights(clean, holder(account_id).pces[0])) == 1
    pass_by(account_id, LATER)
    assert is_used(account_id, link), "it has connected"


def test_what_was_stored_is_not_sent_again(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's DAG declares the right."""
    link = link_of(account_id)
    cut_off(account_id, link, "_declare", monkeypatch)
    pass_by(account_id, LATER)
    assert is_used(account_id, link)
    assert len(records_of(account_id)) == 1


def test_its_record_goes_when_the_account_was_not_stored(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(account_id)
    cut_off(account_id, link, "storing", monkeypatch, HouseholdLinks)
    assert len(records_of(account_id)) == 1
    assert is_used(account_id, link)
    pass_by(account_id, LATER)
    assert not is_used(account_id, link)
    assert records_of(account_id) == []
    sending(account_id, link).send()
    assert len(records_of(account_id)) == len(rights(clean, holder(account_id).pces[0])) == 1


@pytest.mark.parametrize("has_account", [False, True])
def test_its_record_is_not_kept_for_years_if_nobody_comes_back(
    account_id: str, has_account: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if has_account:
        sending(account_id, link_of(account_id)).send()
    cut_off(account_id, link_of(account_id), "storing", monkeypatch, HouseholdLinks)
    pass_by(account_id, LATER)
    store, late = CouchDBHook(), datetime.now(UTC) + timedelta(days=3)
    before = len(kept(store))
    assert OrphanedRecords(store, Remover(store)).remove(datetime.now(UTC), 1826) == 0, "not on the same day"
    assert OrphanedRecords(store, Remover(store)).remove(late, 1826) == 1
    assert (len(records_of(account_id)), len(kept(store))) == (has_account, before)


def test_the_account_was_connected_before_in_another_way(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending(account_id, link_of(account_id)).send()
    link = link_of(account_id)
    cut_off(account_id, link, "storing", monkeypatch, HouseholdLinks)
    pass_by(account_id, LATER)
    assert not is_used(account_id, link)
    assert len(records_of(account_id)) == 1, "of the first form"


@pytest.mark.parametrize("damage", [{"given": 7}, {"_deleted": True}], ids=["unreadable", "lost"])
def test_a_link_that_has_connected_stays_used_whatever_becomes_of_its_record(
    account_id: str, damage: dict[str, Any]
) -> None:
    link = link_of(account_id)
    sending(account_id, link).send()
    store = CouchDBHook()
    document = store.get(CONSENT_RECORD, records_of(account_id)[0].id)
    assert document
    store.put(CONSENT_RECORD, {key: document[key] for key in ("_id", "_rev")} | damage)
    pass_by(account_id, LATER)
    assert is_used(account_id, link)


@pytest.mark.parametrize("where", ["save", "update"])
def test_what_may_have_been_stored_counts_as_stored(
    account_id: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed just before the account was stored, or just after."""
    link = link_of(account_id)
    cut_off(account_id, link, where, monkeypatch, AccountStore)
    pass_by(account_id, LATER)
    assert is_used(account_id, link)
    assert len(records_of(account_id)) == 1


def test_a_link_that_has_connected_stays_used_when_its_account_is_lost(account_id: str) -> None:
    """A backup was restored. The record may be the only proof of a right."""
    link = link_of(account_id)
    sending(account_id, link).send()
    Remover(CouchDBHook()).remove(ACCOUNT, account_id)
    pass_by(account_id, LATER)
    assert is_used(account_id, link)
    assert len(records_of(account_id)) == 1


def kept(store: CouchDBHook) -> list[Any]:
    return list(store.scan(CONSENT_RECORD, BEFORE_KEPT))


def test_a_form_that_was_only_slow_is_not_sent_beside_another(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server was suspended, and goes on when the household has sent the form again."""
    link = link_of(account_id)
    slow, write = sending(account_id, link), _Sending._write

    def late(form: _Sending) -> Any:
        if form is slow:
            pass_by(account_id, LATER)
            assert not is_used(account_id, link)
            sending(account_id, link).send()
        return write(form)

    monkeypatch.setattr(_Sending, "_write", late)
    with pytest.raises(Stop) as stopped:
        slow.send()
    assert stopped.value.key == "connect.link_void"
    assert len(records_of(account_id)) == len(rights(clean, holder(account_id).pces[0])) == 1
    assert HouseholdLinks(CouchDBHook()).standing(account_id, link) == "used", "by the other one"


def test_it_counts_as_a_try(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_of(account_id)
    for _ in range(TRIES):
        cut_off(account_id, link, "_write", monkeypatch)
        pass_by(account_id, LATER)
        HouseholdLinks(CouchDBHook()).revive(account_id, link)
    assert HouseholdLinks(CouchDBHook()).standing(account_id, link) == "tried"
    assert stored(account_id) is None
