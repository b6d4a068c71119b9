"""The verdict on the fleet, for ``grdf_health``, ``./grdf doctor`` and the page *Fleet*."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import msgspec

from grdf import settings
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.rights_ledger import Ledger
from grdf.quota.call_terms import TRIAL
from grdf.quota.governor import governor_for
from grdf.stores.accounts.account_store import AccountStore
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.display.account_summary import AccountSummary, slowest_newest_day, summarize_account
from include.gas.display.meter_days import MeterDays
from include.gas.documents.day_documents import id_range, is_day
from include.gas.documents.doctypes import AUDIT, DAY, REQUIRED
from include.gas.documents.year_counts import stored_years
from include.gas.errors import CredentialsRefused, GasError, ServiceUnavailable
from include.gas.health.broken_parts import find_alone
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import Concern, NamedReason, find_rights_concerns
from include.gas.health.verdict import NO_ANSWER, Client, Unread, Verdict, reach_verdict
from include.gas.leaving.deletion import unfinished_deletions
from include.gas.rights.meter_rights import Meter

RECENT = timedelta(days=60)
"""A meter without a day in these is silent, however often GRDF reads it."""


def judge_fleet(
    couchdb: CouchDBHook, clients: Sequence[Client], unread: Unread, now: datetime
) -> tuple[Sequence[AccountSummary], Verdict]:
    """Return all accounts and the verdict; ``GasError`` if they cannot be read. GRDF may be asked for a token."""
    from grdf.airflow.account_list import missing_databases_error

    if missing := [doctype for doctype in REQUIRED if not couchdb.has_database(doctype)]:
        raise missing_databases_error(couchdb, *missing)
    meters = list(Ledger(couchdb).all_meters())  # before the accounts, so that one made meanwhile is not missed
    reread_days = settings.reread_days.or_default()
    fleet = [summarize_account(document, reread_days) for document in AccountStore(couchdb).our_documents()]
    fleet = [_with_stored_days(couchdb, account, paris_today(now)) for account in fleet]
    return fleet, reach_verdict(
        fleet, clients, now, find_concerns(couchdb, meters, fleet, clients, now), unread, token_problem
    )


def _with_stored_days(couchdb: CouchDBHook, account: AccountSummary, today: date) -> AccountSummary:
    """Return an account; one that looks silent with the days that are stored and that its status does not know.

    The status of a restored account is older than its days.
    """
    if account.silent_on(today) is None:
        return account
    meters = tuple(_with_newer_days(couchdb, account.id, meter, today) for meter in account.days_of_meters)
    return replace(account, days_of_meters=meters, last=slowest_newest_day(meters))


def _with_newer_days(couchdb: CouchDBHook, account: str, meter: MeterDays, today: date) -> MeterDays:
    first = today - RECENT
    if meter.last:
        first = max(first, meter.last + ONE_DAY)
    if not meter.access.pce or first >= today:
        return meter
    newer = couchdb.range(DAY, *id_range(account, meter.access.pce, first, today))
    years = stored_years(document for document in newer if is_day(document))
    return msgspec.structs.replace(meter, years=(*meter.years, *years.values()))


def find_concerns(
    couchdb: CouchDBHook,
    meters: Iterable[Meter],
    fleet: Sequence[AccountSummary],
    clients: Sequence[Client],
    now: datetime,
) -> list[Concern]:
    """Return what the causes about rights and deletions concern."""
    accounts = {each.id: each.renews is not None for each in fleet}

    def find_deletions() -> Iterator[Concern]:
        for account, why in unfinished_deletions(couchdb.scan(AUDIT), accounts, now).items():
            yield Cause.DELETION, NamedReason(account, why)

    def find_rights() -> Iterator[Concern]:
        asked = Ledger(couchdb).last_asked()
        of_clients = {client.name: asked.get(client.name, "") for client in clients}
        yield from find_rights_concerns(meters, accounts, now, of_clients)

    def find_damaged() -> Iterator[Concern]:
        for name in Ledger(couchdb).damaged_documents():
            yield Cause.DAMAGED, NamedReason(name)
        for account in fleet:
            if account.damaged:
                yield Cause.DAMAGED, NamedReason(f"the status of {account.id}")

    return [
        *find_alone("derived documents", find_damaged),
        *find_alone("deletions", find_deletions),
        *((Cause.WITHDRAWN, NamedReason(each.id)) for each in fleet if each.withdrawn),
        *find_alone("rights", find_rights),
    ]


def token_problem(client: str) -> str:
    """Return what a client gets instead of a token, as a verb; ``""`` if it gets one. It asks once."""
    try:
        GrdfOAuthHook(client).request_data_token(TRIAL)
    except CredentialsRefused:
        return "is refused"
    except ServiceUnavailable:
        return NO_ANSWER
    except GasError:  # other checks report it
        pass
    return ""


def read_client(name: str) -> Client:
    """Return the client of a connection, with its quota."""
    try:
        return with_quota(Client(name), GrdfOAuthHook(name).facts)
    except GasError as error:
        return Client(name, problem=str(error))


def with_quota(client: Client, facts: GrdfConnection) -> Client:
    """Return a client with its quota; ``GasError`` if its calls cannot be counted."""
    used = governor_for(facts).usage()
    return replace(
        client, left=used.left, calls=facts.calls_per_day, used=used.calls, history=used.history, pause=used.pause
    )
