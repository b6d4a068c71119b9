"""A household whose form was cut off, because the API server was killed, can go on; no right is declared twice."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.connect import link_access
from grdf.page.connect.direct_form import Ticket
from grdf.page.connect.exchange import Stop
from grdf.page.direct import declaring_now
from grdf.page.direct.declaring_now import Order, _Sending
from grdf.stores.household_links import CUT_OFF, HouseholdLinks, link_document
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.documents.doctypes import CONNECT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from tests.connect.direct import records_of
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
