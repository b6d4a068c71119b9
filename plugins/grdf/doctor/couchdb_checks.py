"""Checks of CouchDB: version, clock, logins, databases, indexes, access."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from grdf.couchdb_setup import MOST_UNINDEXED, logs_requests
from grdf.doctor.findings import Finding, State, compare_clocks
from grdf.hooks.couchdb import COMPARES, CouchDBHook
from grdf.hooks.http_calls import parse_json
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT, DOCTYPES, FOR_READERS, database, index_name
from include.gas.errors import BadSettings

OLDEST, TRIED = (3,), (3, 3)
OURS = "PouchDB"
"""The server name of ``./grdf up``, which is for trials."""
TIMEOUT, PATIENCE = (3.05, 10.0), 0
"""Seconds to connect and for a part of an answer, and repetitions: a person waits."""
SET_UP = "Run ./grdf couchdb setup (python -m grdf.couchdb_setup setup where ./grdf is not there)."
FAULTS: Mapping[str, tuple[State, str, str]] = {
    "strangers": (
        "bad", "{} may read tokens, names and addresses in CouchDB, and approve deletions",
        f"{SET_UP} It takes them out; a user who is named in [grdf] couchdb_readers keeps the gas data alone.",
    ),
    "open": ("bad", "anybody may read {}", f"{SET_UP} It corrects the access rules."),
    "missing": ("bad", "the databases {} are missing", SET_UP),
    "unindexed": ("look", "{} have no or an older index, so searches are slow", SET_UP),
    "unbuilt": (
        "look", "an index of {} is being built: until it is, searches end in an error (500) after a minute",
        "Wait: ./grdf couchdb setup says when it is built.",
    ),
    "uncompared": ("bad", "{} does not compare revisions: a household that leaves may come back", SET_UP),
}  # fmt: skip
"""Faults of databases: state, message, next step."""


def hook_of_doctor(conn_id: str = CouchDBHook.default_conn_name) -> CouchDBHook:
    """Return an impatient hook for a CouchDB."""
    return CouchDBHook(conn_id, timeout=TIMEOUT, patience=PATIENCE)


def check_connection(hook: CouchDBHook) -> Iterator[Finding]:
    """Check all that one connection leads to, ``couchdb`` or ``couchdb_admin``."""
    yield from _server(hook)
    whose = f"the connection {hook.couchdb_conn_id}"
    if hook.is_administrator():
        do = f"That is right for couchdb_admin; give couchdb an ordinary login, for which: {SET_UP}"
        yield Finding("look", f"{whose} is a server administrator's", do)
    else:
        yield Finding("ok", f"it accepts the login of {whose}, an ordinary member's")
    yield from check_databases(hook)


def _server(hook: CouchDBHook) -> Iterator[Finding]:
    """Check the server's version and clock; ``BadSettings`` if it is no CouchDB, or refuses the login."""
    answer = hook.request_server("GET", "/")
    if answer.status_code == 401:
        do = f"Correct login and password of the connection {hook.couchdb_conn_id}, or have the user created. {SET_UP}"
        raise BadSettings.about(None, "it refuses this login", do)
    hook.require_success(answer)
    greeting = parse_json(answer)
    if not (isinstance(greeting, dict) and "couchdb" in greeting):
        raise BadSettings.about(
            None, f"what answers at {hook.facts.url} is no CouchDB",
            f"Correct host and port of the Airflow connection {hook.couchdb_conn_id} (or in "
            f"AIRFLOW_CONN_{hook.couchdb_conn_id.upper()}).",
        )  # fmt: skip
    yield _version(str(greeting.get("version", "")), str(greeting.get("vendor", "")))
    try:
        time = compare_clocks(answer.headers.get("Date", ""), "CouchDB")
    except ValueError:  # no date
        return
    if time.state == "bad":
        yield time


def _version(text: str, vendor: str) -> Finding:
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        return Finding(
            "bad", f"version {text or 'unknown'} answers, which is too old: it gets no security fixes any more, and "
            "ids of households that have left would stay in its files",
            "Install CouchDB 3.5.",
        )  # fmt: skip
    if numbers < TRIED or OURS in vendor:
        what = "the embedded CouchDB" if OURS in vendor else f"version {text}"
        return Finding(
            "look", f"{what} answers, which is for trials, or is not tried with this project",
            "Use CouchDB 3.5 in production: else ids of households that have left stay in its files.",
        )  # fmt: skip
    return Finding("ok", f"version {text} answers")


def check_log(hook: CouchDBHook) -> Iterator[Finding]:
    """Check whether CouchDB's log names meters, which only an administrator can see."""
    if (admin := hook.administrator()) is not hook and logs_requests(admin):
        yield Finding(
            "look", "its own log has a line for each request, which names accounts and meters",
            "Set [log] level to warning in CouchDB's configuration, and remove the logs that it has written.",
        )  # fmt: skip


def check_databases(hook: CouchDBHook) -> Iterator[Finding]:
    """Check databases, indexes and access."""
    prefix = hook.facts.prefix
    if prefix[-1:].isalnum() and next(hook.scan(ACCOUNT), None) is None:  # later, another would hide what is there
        yield Finding(
            "look", f"the connection's database_prefix ends without a dash: {database_name(ACCOUNT, prefix)}",
            f"If that is not meant, set it to {prefix}- (for couchdb_admin, too) before the first household. {SET_UP}",
        )  # fmt: skip
    found = [fault for doctype in DOCTYPES for fault in _faults(hook, doctype)]
    for kind, (state, says, do) in FAULTS.items():
        if names := sorted({name for each, name in found if each == kind}):
            yield Finding(state, says.format(", ".join(names)), do)
    if not found:
        yield Finding("ok", f"all {len(DOCTYPES)} databases are there, with their indexes, open to members alone")


def _faults(hook: CouchDBHook, doctype: str) -> Iterator[tuple[str, str]]:
    """Yield a database's faults: a key of :data:`FAULTS`, and its name or that of a user with access."""
    name = database_name(doctype, hook.facts.prefix)
    if not hook.has_database(doctype):
        yield "missing", name
        return
    wanted = [index_name(fields) for fields in database(doctype).indexes]
    if any(hook.request("GET", doctype, f"/_design/{each}").status_code == 404 for each in wanted):
        yield "unindexed", name
    elif hook.count_unindexed(doctype) > MOST_UNINDEXED:
        yield "unbuilt", name
    if database(doctype).compares_revisions and hook.request("GET", doctype, COMPARES).status_code == 404:
        yield "uncompared", name
    members = hook.json_object(hook.request("GET", doctype, "/_security")).get("members") or {}
    names = {*(members.get("names") or ()), *(f"the role {role}" for role in members.get("roles") or ())}
    if not names:
        yield "open", name
    elif hook.facts.login in names and doctype not in FOR_READERS:
        yield from (("strangers", each) for each in names - {hook.facts.login, "the role _admin"})
