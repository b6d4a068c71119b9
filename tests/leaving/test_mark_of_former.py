"""An account's id is given to another household just before the failure of the former one's grant is noted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from grdf.consents.owners import taking
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.account.connected import connected
from include.gas.consents.consent import Consent
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ConsentLost, GasError, GrantRefused, MeterTaken, StoreBusy
from tests.helpers import connect_code
from tests.leaving.runs import acquire
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def _raises(kind: type[GasError]) -> Callable[..., Any]:
    def refuse(*args: Any, account: str = "", **_: Any) -> Any:
        raise kind.about(account or args[1], "it was refused")

    return refuse


@pytest.fixture(params=[GrantRefused, ConsentLost, MeterTaken])
def refused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """Let GRDF refuse the grant, or another account have the meter."""
    if request.param is MeterTaken:
        monkeypatch.setattr(taking, "take", _raises(MeterTaken))
    else:
        monkeypatch.setattr(GrdfOAuthHook, "consents_of", _raises(request.param))
    kind: type[Exception] = request.param
    return kind


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens before each of the next writes of an account, one after the other."""
    before: list[Callable[[], None]] = []
    put = CouchDBHook.put

    def meanwhile(hook: CouchDBHook, doctype: str, new: dict[str, Any]) -> Any:
        if doctype == ACCOUNT and before:
            before.pop(0)()
        return put(hook, doctype, new)

    monkeypatch.setattr(CouchDBHook, "put", meanwhile)
    return before


def test_it_is_noted_with_one_write(
    clean: LocalWorld, account_id: str, refused: type[Exception], writes: list[Callable[[], None]]
) -> None:
    """Between two, the account's id may be given to another household, and the second would be written there."""
    connect_code(clean, account_id)
    counted: list[None] = []
    writes += [lambda: counted.append(None)] * 5
    with pytest.raises(refused):
        acquire(account_id)
    assert len(counted) == 1
    stored = document(clean, account_id)
    assert (stored["state"], "code" in stored["oauth"]) == (OUTDATED, refused is ConsentLost)
    assert stored["state_message"].startswith(f"Account {account_id}: it was refused")


def test_the_next_household_is_told_nothing(
    clean: LocalWorld, account_id: str, refused: type[Exception], writes: list[Callable[[], None]]
) -> None:
    connect_code(clean, account_id)
    others = dict[str, Any]()

    def given_again() -> None:
        clean.book.remove(account_id)
        (right,) = clean.control.consent(["09999999900017"], keep_others=True)
        consents = [Consent("09999999900017", str(right["id_droit_acces"]))]
        clean.book.save(connected(None, account_id, consents, at=datetime.now(UTC), by="an-operator"))
        others.update(document(clean, account_id))

    writes.append(given_again)
    with pytest.raises(StoreBusy):
        acquire(account_id)
    assert document(clean, account_id) == others
