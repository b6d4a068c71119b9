"""The verdict on the fleet, for ``grdf_health``, ``./grdf doctor`` and the page *Fleet*."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from grdf import settings
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.rights_ledger import Ledger
from grdf.quota.call_terms import TRIAL
from grdf.quota.governor import governor_for
from grdf.stores.accounts.account_store import AccountStore
from include.gas.display.account_summary import AccountSummary, summarize_account
from include.gas.documents.doctypes import AUDIT, REQUIRED
from include.gas.errors import CredentialsRefused, GasError, ServiceUnavailable
from include.gas.health.broken_parts import find_alone
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import Concern, NamedReason, find_rights_concerns
from include.gas.health.verdict import NO_ANSWER, Client, Unread, Verdict, reach_verdict
from include.gas.leaving.deletion import unfinished_deletions
from include.gas.rights.meter_rights import Meter


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
    return fleet, reach_verdict(
        fleet, clients, now, find_concerns(couchdb, meters, fleet, clients, now), unread, token_problem
    )


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
