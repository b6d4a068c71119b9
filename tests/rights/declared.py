"""Households with a declared right, and what GRDF has of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from msgspec.structs import replace

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.operators.ways_in.check_waiting_rights import CheckWaitingRightsOperator
from grdf.stores.accounts.account_store import AccountStore
from include.gas.days.gas_day import utc_text
from include.gas.rights.meter_rights import Meter
from include.sandbox.adict.meter_data import meters
from include.sandbox.local_world import LocalWorld
from tests.helpers import context, holder
from tests.leaving.runs import acquire
from tests.rights.scene import document

WAITS = "USER_ACTION_NEEDED"
PERSON = {"name": "Durand-Invente", "postcode": "69000", "email": "m.durand@example.org", "phone": "+33 6 00 00 00 00"}
TELLING = tuple(PERSON[key] for key in ("name", "email", "phone"))
"""What shows that a person is still named somewhere. The digits of a postcode also stand in moments and hashes."""


def postcode(pce: str) -> str:
    meter = meters.find_meter(pce)
    assert meter
    return meter.postcode


def give(world: LocalWorld, account: str, *, keep: bool = False, **more: Any) -> str:
    (pce,) = holder(account).pces
    given = {"pce": pce, **PERSON, "postcode": postcode(pce)} | more
    before = document(world, account) if keep else {}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", **before, "declaration": given})
    return pce


def rights(world: LocalWorld, pce: str) -> list[dict[str, Any]]:
    return [right for right in world.control.consents() if right["id_pce"] == pce]


def look(run_type: str = "scheduled", *, minute: int = 20) -> list[str]:
    run = context(run_type=run_type)
    run["dag_run"].run_after = datetime.now(UTC).replace(minute=minute)
    try:
        return list(CheckWaitingRightsOperator(task_id="look").execute(run))
    except AirflowSkipException:
        return []


def calls(world: LocalWorld) -> list[tuple[str, str]]:
    log = world.control.log()
    world.control.clear_log()
    return [(call["method"], call["path"].rpartition("/")[2]) for call in log if "access_token" not in call["path"]]


def answer(world: LocalWorld, pce: str, state: str) -> None:
    for right in rights(world, pce):
        if right["parcours"] == "DECLARATION_TIERS":
            world.control.change_consent(right["id_droit_acces"], etat_droit_acces=state)


def declared_before(account: str, minutes: int) -> None:
    couchdb = CouchDBHook()
    ledger, then = Ledger(couchdb), utc_text(datetime.now(UTC) - timedelta(minutes=minutes))

    def earlier(meter: Meter) -> Meter:
        rights = (replace(each, since=then) if each.account == account else each for each in meter.rights)
        return replace(meter, rights=tuple(rights))

    for meter in ledger.meters_of_account(account):
        ledger.apply(meter.pce, earlier)
    AccountStore(couchdb).update(account, ledger.settle_account)


def holds_person(world: LocalWorld, account: str) -> bool:
    text = json.dumps(document(world, account)).lower()
    return any(each.lower() in text for each in TELLING)


def waits(world: LocalWorld, *accounts: str, **more: Any) -> None:
    for account in accounts:
        give(world, account, **more)
        with pytest.raises(AirflowSkipException):
            acquire(account, "scheduled")
        declared_before(account, 20)


def accepts(world: LocalWorld, *accounts: str) -> None:
    for account in accounts:
        answer(world, holder(account).pces[0], "Active")
