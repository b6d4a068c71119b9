"""Households for tests. Each account id has its own holder and meters, and connects through the real redirects."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from include.gas.account.status import Reading, Status
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.rights.transitions import Claimant, RightsAnswer, apply_answer, assign_right
from include.sandbox.adict.meter_data.meters import Holder, holder_of
from include.sandbox.connect import AccountDocuments, code_account, consent, cozy_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

PATIENCE = 600.0
"""Time limit in seconds for anything that a whole Airflow does. On a busy machine, tests must be slow, not fail."""
FIRST_METER = 5_000_000


def holder(account_id: str, meters: int = 1) -> Holder:
    """Return the holder of a test's account (the fixture ``account_id``), with up to 9 meters of their own."""
    number = FIRST_METER + int(account_id.rpartition("-")[2]) * 10
    found = holder_of(f"Alix;Exemple;foyer-{number}-{meters}@example.org;TIERS")
    assert found is not None
    return found


def connect_cozy(world: LocalWorld, account_id: str, meters: int = 1, **choices: Any) -> tuple[str, ...]:
    """Consent in a browser, exchange the code, store a document with ``id_token``. Return the meters."""
    who = holder(account_id, meters)
    grant = consent(world.facts, who, **choices)
    world.book.save(cozy_account(account_id, grant, world.facts))
    return who.pces


def connect_code(world: LocalWorld, account_id: str, meters: int = 1, **choices: Any) -> tuple[str, ...]:
    who = holder(account_id, meters)
    world.book.save(code_account(account_id, consent(world.facts, who, **choices)))
    return who.pces


def known_account(
    world: LocalWorld,
    account_id: str,
    meters: int = 1,
    *,
    history: bool = True,
    client: str = "grdf_adict",
    **terms: Any,
) -> tuple[str, ...]:
    """Create an account as it is after its first run; ``history``: all of it counts as read. Return the meters."""
    pces = holder(account_id, meters).pces
    rights = world.control.consent(pces, **terms)
    consents = [{"pce": right["id_pce"], "id_accreditation": right["id_droit_acces"]} for right in rights]
    document: dict[str, Any] = {
        "_id": account_id,
        "account_type": "grdfgrandlyon",
        "name": "",
        "oauth": {},
        "oauth_callback_results": {"pce_id": pces[0], "consents": consents},
    }
    if history:
        today = paris_today(datetime.now(UTC))
        for entry in consents:
            reading = Reading(whole_at=today, since=oldest_allowed(today), under=(entry["id_accreditation"],))
            document = Status.with_reading(document, entry["pce"], reading)
    if client != "grdf_adict":
        document["grdf_connection"] = client
    world.book.save(document)
    enter_rights(account_id, rights, client)
    return pces


def enter_rights(account_id: str, rights: Iterable[Mapping[str, Any]], client: str = "grdf_adict") -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from grdf.stores.accounts.account_store import AccountStore

    now, couchdb = datetime.now(UTC), CouchDBHook()
    at, today, ledger = utc_text(now), paris_today(now), Ledger(couchdb)
    for line in filter(None, map(AccessRight.from_line, rights)):
        who = Claimant(account_id, client, at, today, shared=True)
        shown = RightsAnswer(client, [line], at, today)
        ledger.apply(
            line.pce,
            lambda meter, who=who, line=line, shown=shown: apply_answer(
                assign_right(meter, who, line.id, "client_connect"), shown
            ),
        )
    AccountStore(couchdb).update(account_id, ledger.settle_account)


class MemoryShelf(dict[str, str]):
    """An in-memory store for the shared tokens; ``text`` is the usual client's."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__({} if text is None else {"grdf_data_token": text})
        self.writes = 0

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        self.writes += 1

    @property
    def text(self) -> str | None:
        return self.get("grdf_data_token")


def own_couchdb(world: LocalWorld) -> tuple[dict[str, Any], AccountDocuments]:
    couch, prefix = world.couch, f"own{secrets.token_hex(4)}/"
    fields = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    return fields, AccountDocuments(couch.url, couch.user, couch.password, prefix)


def adict_hook(shelf: MemoryShelf | None = None) -> AdictHook:
    from grdf.hooks.adict import AdictHook

    return AdictHook(token_store=MemoryShelf() if shelf is None else shelf)


def with_memory_shelf(operator: Any, shelf: MemoryShelf | None = None) -> Any:
    operator.__dict__["adict"] = adict_hook(shelf)
    return operator


def lose(world: LocalWorld, *pces: str) -> None:
    """Revoke the rights on some meters as their holder would: GRDF refuses their data, and its list agrees."""
    _states(world, pces, "Révoquée")


def give_back(world: LocalWorld, *pces: str) -> None:
    _states(world, pces, "Active")


def _states(world: LocalWorld, pces: Collection[str], state: str) -> None:
    for right in world.control.consents():
        if right["id_pce"] in pces:
            world.control.change_consent(right["id_droit_acces"], etat_droit_acces=state)


def context(
    day: date | None = None,
    *,
    run_type: str = "scheduled",
    try_number: int = 1,
    max_tries: int = 3,
    run_id: str = "run",
) -> dict[str, Any]:
    """Return what the project's operators read of Airflow's task context; a manual run has no ``day``."""
    from airflow.sdk.execution_time.context import OutletEventAccessors

    now = datetime.now(UTC)
    found: dict[str, Any] = {
        "outlet_events": OutletEventAccessors(),
        "run_id": run_id,
        "dag_run": SimpleNamespace(run_type=run_type, run_after=now, conf={}),
        "ti": SimpleNamespace(try_number=try_number, max_tries=max_tries),
    }
    if day is not None:
        from grdf.timetable import GasDayTimetable

        found["data_interval_start"], found["data_interval_end"] = GasDayTimetable().interval(day)
    return found


def yesterday(world: LocalWorld) -> date:
    return world.control.today() - timedelta(days=1)


def stored(couchdb: CouchDBHook, account_id: str, pce: str) -> dict[str, float]:
    """Return the kWh in CouchDB for a meter, by period (``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD``)."""
    span = account_range(account_id, pce)
    return {
        document["_id"].rpartition(":")[2]: document["load"]
        for doctype in (DAY, MONTH, YEAR)
        for document in couchdb.range(doctype, *span)
    }


def days_of(figures: Mapping[str, float]) -> dict[str, float]:
    return {period: load for period, load in figures.items() if len(period) == 10}


def wait(found: Callable[[], Any], what: str = "answer", seconds: float = PATIENCE) -> Any:
    limit = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < limit, f"no {what} within {seconds:.0f} s"
        time.sleep(0.3)
    return value
