"""Each account is read with its own client: its token, its quota and its rights."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf import settings
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook, variable_of
from grdf.operators.history import PlanHistoryOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from grdf.operators.ways_in.send_proof import SendProofOperator
from grdf.staging.staged_answers import Staging
from include.gas.errors import BadAccount, BadSettings, ClientUnknown, FailNow, GasError
from include.sandbox.adict import identity
from include.sandbox.local_world import LocalWorld
from tests.clients.scene import (
    CLIENTS,
    LISTED,
    SETTING,
    SOUTH,
    USUAL,
    account_of,
    asked_by,
    document,
    own_right,
    refuse,
    with_extra,
)
from tests.helpers import context, days_of, holder, stored, with_memory_shelf, yesterday
from tests.importing.scene import adopt
from tests.leaving.runs import acquire, check, extract, load
from tests.leaving.steps import delete
from tests.plugins.staging.proof_samples import GOOD, by_hand
from tests.plugins.steps import read_published

Pair = tuple[str, str]


def rescope(account: str) -> dict[str, Any]:
    operator = with_memory_shelf(RescopeTokenOperator(task_id="rescope_token", account_id=account))
    return dict(operator.execute(context()))


def planned(world: LocalWorld, *accounts: str) -> list[str]:
    first, end = (str(yesterday(world) - timedelta(days=back)) for back in (30, 20))
    params = {"from": first, "to": end, "accounts": list(accounts), "include_definitive": False}
    at_hand: Any = context(run_type="manual") | {"params": params}
    return sorted(PlanHistoryOperator(task_id="plan").execute(at_hand))


def test_everything_that_is_read_of_each(two: LocalWorld, couchdb: CouchDBHook, pair: Pair) -> None:
    last = yesterday(two)
    for account, client in zip(pair, (USUAL, SOUTH), strict=True):
        two.control.clear_log()
        acquire(account)
        rescope(account)
        load(account, extract(account, last), last)
        extract(account, last - timedelta(days=30), "backfill")
        assert read_published(account)["meters"] == 1
        assert asked_by(two) == {CLIENTS[client]}, "tokens and data"
        (pce,) = holder(account).pces
        expected = two.control.expected(pce, last - timedelta(days=3), last + timedelta(days=1))
        assert expected
        assert expected.items() <= days_of(stored(couchdb, account, pce)).items()
        assert document(two, account).get("grdf_connection", USUAL) == client
    assert planned(two) == sorted(pair)


def test_each_client_has_a_token_of_its_own(two: LocalWorld) -> None:
    assert [variable_of(name) for name in (USUAL, SOUTH)] == ["grdf_data_token", "grdf_data_token_grdf_south"]
    usual = AdictHook(USUAL)
    south = usual.for_connection(SOUTH)
    assert south.for_connection(USUAL) is usual
    assert usual.for_account({"_id": "a", "grdf_connection": SOUTH}) is south
    assert len({hook.data_token()[0].client for hook in (usual, south)}) == 2


REVOKING = ["grdf_south_delete", "grdf_south_Delete", "GRDF_SOUTH_DELETE", "grdfgrandlyon_delete"]
BESIDE_ONE = ["grdfgrandlyon", "GrdfGrandLyon"]
"""Not secrets themselves, but with ``_delete`` after them they are the usual client's."""


@pytest.mark.parametrize("named", ["", 7, "grdf_nowhere", REVOKING[0], BESIDE_ONE[0]])
def test_an_account_of_an_unknown_client_asks_nobody(two: LocalWorld, account_id: str, named: object) -> None:
    """A connection with a secret that revokes is never one with which data are read."""
    account_of(two, account_id, USUAL)
    two.book.save({**document(two, account_id), "grdf_connection": named})
    two.control.clear_log()
    before = document(two, account_id)
    for step in (acquire, lambda account: extract(account, yesterday(two)), delete):
        with pytest.raises(ClientUnknown, match=account_id):
            step(account_id)
    with pytest.raises(BadAccount):
        rescope(account_id)
    check()
    assert asked_by(two, *holder(account_id).pces) == set()
    assert document(two, account_id) == before


CASE, NAMES = "differ in upper and lower case only", "with which data may be"


@pytest.mark.parametrize(
    ("listed", "wrong"),
    [
        (LISTED, ""), (SOUTH, ""), ("grdf_South, grdf_adict", ""),
        *((f"grdf_adict, {name}", "") for name in ("grdf_delete_2", "grdfgrandlyon_south", "my_grdfgrandlyon")),
        *((f"grdf_adict, {name}", NAMES) for name in (*REVOKING, *BESIDE_ONE)),
        ("grdf_south, grdf_south", "one connection twice"), ("grdf_adict; grdf_south", "not the id"),
        *((text, CASE) for text in ("grdf_adict, GRDF_ADICT", "GRDF_ADICT", "grdf_south, grdf_South")),
    ],
)  # fmt: skip
def test_which_ids_the_setting_may_name(monkeypatch: pytest.MonkeyPatch, listed: str, wrong: str) -> None:
    monkeypatch.setenv(SETTING, listed)
    if not wrong:
        assert settings.connections() == tuple(listed.split(", "))
        return
    with pytest.raises(BadSettings, match=wrong):
        settings.connections()


def test_two_connections_of_one_client_are_refused(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    """Accounts of one would be asked for with the rights of the other."""
    monkeypatch.setenv(*with_extra(SOUTH, login=identity.FIRST.client_id, password=identity.FIRST.client_secret))
    before = document(two, pair[1])
    for one, another in ((USUAL, SOUTH), (SOUTH, USUAL)):
        with pytest.raises(BadSettings, match=rf"{one} and {another} have the same client id"):
            _ = GrdfOAuthHook(one).facts
    for step in (check, adopt):
        with pytest.raises(GasError, match="the same client id"):
            step()
    assert (document(two, pair[1]), two.control.log()) == (before, [])
    monkeypatch.setenv(SETTING, USUAL)  # one that is not listed may be tried out
    assert GrdfOAuthHook(SOUTH).facts.client_id == GrdfOAuthHook(USUAL).facts.client_id == identity.FIRST.client_id


def test_each_client_sends_its_own_proofs_and_one_that_cannot_stops_no_other(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: Pair, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}")
    for account in pair:
        by_hand(Staging(f"file://{tmp_path}"), account, "consent.pdf", GOOD["application/pdf"])
        two.control.ask_proof(own_right(two, account), yesterday(two) + timedelta(days=9))
    check()
    with monkeypatch.context() as patch:
        refuse(patch, SOUTH)
        with pytest.raises(FailNow):
            SendProofOperator(task_id="send", account_id="").execute(context())
    assert SendProofOperator(task_id="send", account_id="").execute(context())["sent"] == 1
    sent = [call for call in two.control.log() if call["path"].endswith("/preuves") and call["status"] == 200]
    assert [(call["client_id"], call["path"].split("/")[-2]) for call in sent] == [
        (CLIENTS[client], own_right(two, account)) for account, client in zip(pair, (USUAL, SOUTH), strict=True)
    ]
