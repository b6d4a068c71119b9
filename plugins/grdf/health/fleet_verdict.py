"""The verdict on the fleet, for ``grdf_health`` and ``./grdf doctor``, and what the page of the fleet shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from grdf.hooks.connection import GrdfConnection
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.meters import Ledger
from grdf.quota.governor import governor_for
from grdf.quota.terms import TRIAL
from grdf.stores.accounts.account_store import AccountStore
from include.gas.display.overview import Overview, overview
from include.gas.documents.doctypes import AUDIT, DOCTYPES
from include.gas.errors import CredentialsRefused, GasError, ServiceUnavailable
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import Concern, Named, concerns_of_rights
from include.gas.health.verdict import Client, Unread, Verdict, judge
from include.gas.leaving.deletion import not_gone
from include.gas.rights.meter_rights import Meter


def judge_fleet(
    couchdb: CouchDBHook, clients: Sequence[Client], unread: Unread, now: datetime
) -> tuple[Sequence[Overview], Verdict]:
    """Return all accounts, and the verdict on them. GRDF is asked for a token if no run reads a silent one.

    :param couchdb: the hook for the CouchDB with the accounts
    :param clients: our clients at GRDF
    :param now: an aware datetime, the present
    :raises GasError: if the accounts cannot be read
    """
    from grdf.airflow.account_list import no_database

    if missing := [doctype for doctype in DOCTYPES if not couchdb.has_database(doctype)]:
        raise no_database(couchdb, *missing)
    meters = list(Ledger(couchdb).every())  # before the accounts: one that is made meanwhile is not lost
    fleet = [overview(document) for document in AccountStore(couchdb).every_of_ours()]
    return fleet, judge(fleet, clients, now, concerns(couchdb, meters, fleet, clients, now), unread, no_token)


def concerns(
    couchdb: CouchDBHook, meters: Iterable[Meter], fleet: Sequence[Overview], clients: Sequence[Client], now: datetime
) -> list[Concern]:
    """Return whom the causes that are about rights and deletions concern.

    :param meters: all of the ledger
    """
    asked, accounts = Ledger(couchdb).last_asked(), {each.id: each.renews is not None for each in fleet}
    of_clients = {client.name: asked.get(client.name, "") for client in clients}
    left = not_gone(couchdb.scan(AUDIT), accounts, now)
    return [
        *((Cause.DELETION, Named(*each)) for each in left.items()),
        *concerns_of_rights(meters, accounts, now, of_clients),
    ]


def no_token(client: str) -> str:
    """Return what becomes of a client that asks GRDF for a token, as a verb; ``""`` if it gets one. It asks once.

    :param client: its Airflow connection
    """
    try:
        GrdfOAuthHook(client).ask_data_token(TRIAL)
    except CredentialsRefused:
        return "is refused"
    except ServiceUnavailable:
        return "gets no answer"
    except GasError:  # what other checks say
        pass
    return ""


def client_now(name: str) -> Client:
    """Return one of our clients at GRDF, with what is known of its quota.

    :param name: its Airflow connection
    """
    try:
        return with_quota(Client(name), GrdfOAuthHook(name).facts)
    except GasError as error:
        return Client(name, problem=str(error))


def with_quota(client: Client, facts: GrdfConnection) -> Client:
    """Return a client with what is known of its quota.

    :raises GasError: if its calls cannot be counted
    """
    used = governor_for(facts).usage()
    return replace(
        client, left=used.left, calls=facts.calls_per_day, used=used.calls, history=used.history, pause=used.pause
    )
