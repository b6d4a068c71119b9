"""Checks of CouchDB: version, clock, logins, databases, indexes, and who may come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

from grdf.doctor.findings import Check, Finding, State
from grdf.hooks.couch_server import json_object, place
from grdf.hooks.couchdb import COMPARES, CouchDBHook
from include.gas.documents.doctypes import DOCTYPES, FOR_READERS, database, index_name
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings

WHAT = "CouchDB"
OLDEST, TRIED = (3,), (3, 3)
APART = timedelta(seconds=60)
"""How far two machines' clocks may be apart."""
OURS = "PouchDB"
"""What the server of ``./grdf up`` calls itself: it is for trying things out."""
TIMEOUT, PATIENCE = (3.05, 10.0), 0
"""Seconds to connect and for a part of an answer, and further tries: a person waits."""
SET_UP = "Run ./grdf couchdb setup (python -m grdf.couchdb_setup setup where ./grdf is not there)."
FAULTS: Mapping[str, tuple[State, str, str]] = {
    "strangers": (
        "bad", "{} may read tokens, names and addresses in CouchDB, and approve deletions",
        f"{SET_UP} It takes them out; with --reader NAME, or named in [grdf] couchdb_readers, a user keeps the gas "
        "data alone.",
    ),
    "open": ("bad", "anybody may read {}", f"{SET_UP} It corrects the access rules."),
    "missing": ("bad", "the databases {} are missing", SET_UP),
    "unindexed": ("look", "{} have no or an older index, so searches are slow", SET_UP),
    "uncompared": ("bad", "{} does not compare revisions: a household that leaves may come back", SET_UP),
}  # fmt: skip
"""What may be wrong with databases: how bad that is, what is said, and what to do."""


def hook_of_doctor() -> CouchDBHook:
    """Return the hook for the installation's CouchDB, which does not wait for long."""
    return CouchDBHook(timeout=TIMEOUT, patience=PATIENCE)


def checks_of(hook: CouchDBHook) -> Iterator[tuple[str, Check]]:
    """Yield the checks of the installation's CouchDB."""
    for check in (server, login, log, databases):
        yield WHAT, partial(check, hook)


def checks_of_form(hook: CouchDBHook) -> Iterator[tuple[str, Check]]:
    """Yield the checks of one connection, which may be ``couchdb`` or ``couchdb_admin``."""
    for check in (login, server, databases):
        yield WHAT, partial(check, hook)


def server(hook: CouchDBHook) -> Iterator[Finding]:
    """Look at the server's version and clock."""
    greeting, date = _greeting(hook)
    text, vendor = str(greeting.get("version", "")), str(greeting.get("vendor", ""))
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        yield Finding(
            WHAT, "bad", f"version {text or 'unknown'} answers, which is too old: nobody mends its security any "
            "more, and ids of households that have left would stay in its files",
            "Install CouchDB 3.5.",
        )  # fmt: skip
        return
    if numbers < TRIED or OURS in vendor:
        what = "the embedded CouchDB" if OURS in vendor else f"version {text}"
        yield Finding(
            WHAT, "look", f"{what} answers, which is for trials, or is not tried with this project",
            "Use CouchDB 3.5 in production: else ids of households that have left stay in its files.",
        )  # fmt: skip
    else:
        yield Finding(WHAT, "ok", f"version {text} answers")
    try:
        theirs, ours = parsedate_to_datetime(date).replace(tzinfo=UTC), datetime.now(UTC)
    except ValueError:  # it does not say
        return
    if abs(theirs - ours) > APART:
        yield Finding(
            WHAT, "bad", f"its clock says {theirs:%Y-%m-%d %H:%M} UTC, this machine's {ours:%H:%M}",
            "Synchronise the clock that is wrong.",
        )  # fmt: skip


def _greeting(hook: CouchDBHook) -> tuple[dict[str, object], str]:
    """Return the server's description of itself, and the time that it says (RFC 9110: always GMT).

    :raises BadSettings: if it is that of no CouchDB, or the login is refused
    """
    answer = hook.ask_server("GET", "/")
    if answer.status_code == 401:
        raise BadSettings.about(
            None, f"it refuses the login of the connection {hook.couchdb_conn_id}", f"Correct it, or: {SET_UP}"
        )
    hook.good(answer)
    try:
        greeting = answer.json()
    except (ValueError, RecursionError):
        greeting = None
    if isinstance(greeting, dict) and "couchdb" in greeting:
        return greeting, answer.headers.get("Date", "")
    raise BadSettings.about(
        None, f"what answers at {place(answer.url)} is no CouchDB",
        f"Correct host and port of the Airflow connection {hook.couchdb_conn_id} (or in "
        f"AIRFLOW_CONN_{hook.couchdb_conn_id.upper()}).",
    )  # fmt: skip


def login(hook: CouchDBHook) -> Iterator[Finding]:
    """Look whether the server accepts the login, and as whom."""
    whose = f"the connection {hook.couchdb_conn_id}"
    if not hook.logs_in():
        do = f"Correct login and password of {whose}, or have the user created. {SET_UP}"
        yield Finding(WHAT, "bad", "it refuses this login", do)
    elif hook.is_administrator():
        do = f"That is right for couchdb_admin; give couchdb an ordinary login, for which: {SET_UP}"
        yield Finding(WHAT, "look", f"{whose} is a server administrator's", do)
    else:
        yield Finding(WHAT, "ok", f"it accepts the login of {whose}, an ordinary member's")


def log(hook: CouchDBHook) -> Iterator[Finding]:
    """Look whether CouchDB's own log names meters. Only an administrator is told, so others pass over it."""
    if (admin := hook.administrator()) is not hook and admin.logs_requests():
        yield Finding(
            WHAT, "look", "its own log has a line for each request, which names accounts and meters",
            "Set [log] level to warning in CouchDB's configuration, and remove the logs that it has written.",
        )  # fmt: skip


def databases(hook: CouchDBHook) -> Iterator[Finding]:
    """Look for databases and indexes, and at who may come in."""
    found = [fault for doctype in DOCTYPES for fault in _faults(hook, doctype)]
    for kind, (state, says, do) in FAULTS.items():
        if names := sorted({name for each, name in found if each == kind}):
            yield Finding(WHAT, state, says.format(", ".join(names)), do)
    if not found:
        yield Finding(WHAT, "ok", f"all {len(DOCTYPES)} databases are there, with their indexes, open to members alone")


def _faults(hook: CouchDBHook, doctype: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a database: a key of :data:`FAULTS`, and its name or that of whoever may come in."""
    name = database_name(doctype, hook.prefix)
    if not hook.has_database(doctype):
        yield "missing", name
        return
    wanted = [index_name(fields) for fields in database(doctype).indexes]
    if any(hook.request("GET", doctype, f"/_design/{each}").status_code == 404 for each in wanted):
        yield "unindexed", name
    if database(doctype).compares_revisions and hook.request("GET", doctype, COMPARES).status_code == 404:
        yield "uncompared", name
    members = json_object(hook.good(hook.request("GET", doctype, "/_security"))).get("members") or {}
    names = {*(members.get("names") or ()), *(f"the role {role}" for role in members.get("roles") or ())}
    if not names:
        yield "open", name
    elif hook.facts.login in names and doctype not in FOR_READERS:
        yield from (("strangers", each) for each in names - {hook.facts.login, "the role _admin"})
