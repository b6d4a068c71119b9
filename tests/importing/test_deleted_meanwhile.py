"""A household is deleted while GRDF is asked for its right: nothing of it comes back, and the right is told."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from include.gas.rights.meter_rights import unclaimed
from tests.importing.meanwhile import UnderWay, states
from tests.importing.scene import names_person, outcomes, records, rights
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_the_answer_comes_when_the_account_is_gone(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    account = home["account"]
    with monkeypatch.context() as patch, caplog.at_level(logging.DEBUG):
        under_way = UnderWay(patch, pool, home)
        delete(account, started=datetime.now(UTC))
        assert document(clean, account) == {}
        under_way.end()
    assert outcomes()[0][0] == account
    assert states(clean, home) == ["A valider"]
    assert (document(clean, account), records(account)) == ({}, [])
    assert names_person(caplog.text) == []
    (right,) = [each["id_droit_acces"] for each in rights(clean) if each["id_pce"] == home["pce"]]
    clean.control.change_consent(right, etat_droit_acces="Active")
    for _ in range(2):
        check()
        told = unclaimed(Ledger(CouchDBHook()).every(), clean.control.today())
        assert right in {each.id for each in told}, "every morning"
