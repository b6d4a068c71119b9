"""An account's id is given to another household while the grant of the one that was deleted is exchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.account.connected import connected
from include.gas.consents.consent import Consent
from include.gas.errors import BadAccount, GrantRefused, StoreBusy
from tests.helpers import connect_code
from tests.leaving.runs import acquire
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.mark.parametrize("later", ["connected", "with a grant", "gone"])
@pytest.mark.parametrize("refused", [False, True])
def test_a_grant_is_used_for_its_own_account_alone(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, later: str, refused: bool
) -> None:
    connect_code(clean, account_id)
    if refused:
        monkeypatch.setattr(GrdfOAuthHook, "consents_of", _refuse)
    exchange, others = GrdfOAuthHook.exchange_code, dict[str, Any]()

    def meanwhile(hook: GrdfOAuthHook, *args: Any, **more: Any) -> str:
        token = exchange(hook, *args, **more)
        clean.book.remove(account_id)
        if later == "connected":
            (right,) = clean.control.consent(["09999999900017"], keep_others=True)
            consents = [Consent("09999999900017", str(right["id_droit_acces"]))]
            clean.book.save(connected(None, account_id, consents, at=datetime.now(UTC), by="an-operator"))
        elif later == "with a grant":
            connect_code(clean, account_id)
        others.update(document(clean, account_id))
        return token

    monkeypatch.setattr(GrdfOAuthHook, "exchange_code", meanwhile)
    with pytest.raises(BadAccount if later == "gone" else StoreBusy):
        acquire(account_id, "scheduled")
    assert document(clean, account_id) == others


def _refuse(*_: Any, account: str, **__: Any) -> Any:
    raise GrantRefused.about(account, "GRDF refused the code")
