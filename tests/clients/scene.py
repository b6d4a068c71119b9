"""Accounts of two clients, and which client has asked GRDF for what."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import pytest

from include.gas.errors import QuotaWait
from include.sandbox.adict import identity
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, holder, known_account
from tests.parties import connections_of

USUAL, SOUTH = "grdf_adict", "grdf_south"
LISTED = f"{USUAL}, {SOUTH}"
SETTING = "AIRFLOW__GRDF__CONNECTIONS"
PARTIES = {USUAL: identity.FIRST, SOUTH: identity.SECOND}
CLIENTS = {name: party.client_id for name, party in PARTIES.items()}
OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def connections(world: LocalWorld, redirect_uri: str | None = None) -> dict[str, str]:
    return connections_of(world, SOUTH, identity.SECOND, redirect_uri)


def with_extra(connection: str, **extra: Any) -> tuple[str, str]:
    name = f"AIRFLOW_CONN_{connection.upper()}"
    found = json.loads(os.environ[name])
    fields = {key: extra.pop(key) for key in ("login", "password", "host") if key in extra}
    return name, json.dumps(found | fields | {"extra": found["extra"] | extra})


def refuse(patch: pytest.MonkeyPatch, connection: str) -> None:
    patch.setenv(*with_extra(connection, password="a wrong secret"))


def spend(patch: pytest.MonkeyPatch, connection: str) -> None:
    patch.setenv(*with_extra(connection, calls_per_day=1))
    with suppress(QuotaWait):  # earlier tests have called
        adict_hook().for_connection(connection).query_all_rights()


def account_of(world: LocalWorld, account: str, client: str, meters: int = 1, **terms: Any) -> tuple[str, ...]:
    return known_account(world, account, meters, client=client, company=PARTIES[client].company, **terms)


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def state(world: LocalWorld, account: str) -> object:
    return document(world, account).get("state")


def word(world: LocalWorld, account: str, pce: str) -> object:
    return document(world, account)["status"]["meters"][pce]["word"]


def own_right(world: LocalWorld, account: str) -> str:
    return str(document(world, account)["oauth_callback_results"]["consents"][0]["id_accreditation"])


def right_of(world: LocalWorld, account: str) -> dict[str, Any]:
    (right,) = (each for each in world.control.consents() if each["id_pce"] in holder(account).pces)
    return right


def declared_by(world: LocalWorld, pce: str) -> list[str]:
    names = {party.company: name for name, party in PARTIES.items()}
    rights = world.control.consents()
    return [names[right["raison_sociale_du_tiers"]] for right in rights if right["id_pce"] == pce]


def asked_by(world: LocalWorld, *pces: str) -> set[str]:
    calls = [call for call in world.control.log() if not pces or call["pce"] in pces]
    return {call["client_id"] for call in calls}
