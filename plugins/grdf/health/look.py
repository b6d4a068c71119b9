"""One look at the fleet, for ``grdf_health`` and ``./grdf doctor``, and at a client, for the page of the fleet, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from grdf.hooks.connection import GrdfConnection
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.ledger.meters import Ledger
from grdf.quota.governor import governor_for
from grdf.stores.accounts.account_store import AccountStore
from include.gas.display.overview import Overview, overview
from include.gas.documents.doctypes import ACCOUNT, DOCTYPES
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings, GasError
from include.gas.health.causes import Cause
from include.gas.health.databases import incomplete
from include.gas.health.rights_look import RightsLook, look_at_rights
from include.gas.health.sights import Sight
from include.gas.health.verdict import Client, Verdict, judge

Sights = Callable[[Sequence[Overview]], Mapping[str, Sight]]
"""Returns what Airflow shows of those of some accounts that should be read."""


def look_at_fleet(
    couchdb: CouchDBHook, clients: Sequence[Client], sights: Sights, now: datetime
) -> tuple[Sequence[Overview], RightsLook, Verdict]:
    """Return all accounts, all rights, and the verdict on them.

    :param couchdb: the hook for the CouchDB with the accounts
    :param clients: our clients at GRDF
    :param sights: returns what Airflow shows of some accounts
    :param now: an aware datetime, the present
    :raises GasError: if the accounts cannot be read
    """
    from grdf.airflow.account_list import no_database

    fleet = [overview(document) for document in AccountStore(couchdb).every_of_ours()]
    if not fleet and not couchdb.has_database(ACCOUNT):
        raise no_database(couchdb)
    held: dict[str, int | None] = {}
    wrong: list[str] = []
    for doctype in DOCTYPES:
        try:
            held[doctype] = couchdb.documents_in(doctype)
        except BadSettings as error:  # its rights are wrong, which hides nothing else
            wrong.append(str(error))
    ledger = Ledger(couchdb)
    rights = look_at_rights(ledger.every(), now, ledger.last_asked())
    # Those of a household that is leaving may be removed just now.
    lost = incomplete(held, [0 if each.leaving else each.days for each in fleet])
    databases = [(database_name(doctype, couchdb.prefix), what) for doctype, what in lost]
    verdict = judge(fleet, clients, now, sights(fleet), (databases, len(DOCTYPES)), rights)
    for problem in wrong:
        verdict = verdict.failed(Cause.SETTING, problem)
    return fleet, rights, verdict


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
