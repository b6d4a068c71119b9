"""Set-up of CouchDB: databases, the ordinary user, access rules. It may be repeated."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import DOCTYPES, FOR_READERS
from include.gas.errors import BadSettings, GasError, RetryLater

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

DONE, NEEDS_A_PERSON, LATER = 0, 1, 4
"""Exit codes; 2 is wrong usage."""

PAUSES = (0.2, 1.0, 3.0)
"""Seconds between the tries with a new password."""

MOST_UNINDEXED, LOOK = 10_000, 10.0
"""Documents that CouchDB indexes before it answers a query; and seconds between looks. Of more it may answer 500."""

Say = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Set up CouchDB by the Airflow connections, and print what was created and what existed."""
    parser = argparse.ArgumentParser(
        prog="./grdf couchdb",
        description="Create in CouchDB what this project needs; what exists stays. The Airflow connections "
        "couchdb (an ordinary user, created here) and couchdb_admin (a server administrator) say "
        "where.",
        epilog="Exit codes: 0 everything is there, 1 something must be corrected, 2 wrong usage, 4 CouchDB did "
        "not answer.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="create databases, the ordinary user and access rules; may be repeated")
    parser.parse_args(argv)
    from grdf import settings
    from grdf.hooks.couchdb import CouchDBHook

    try:
        set_up(CouchDBHook(), say=print, readers=settings.couchdb_readers())
    except GasError as error:
        print(f"grdf: {error}", file=sys.stderr)
        return LATER if isinstance(error, RetryLater) else NEEDS_A_PERSON
    return DONE


def set_up(ordinary: CouchDBHook, *, say: Say, readers: Collection[str] = ()) -> None:
    """Create what is missing, correct the access rules, and check the ordinary login.

    :param readers: further CouchDB users, let into the databases for readers alone: the others have personal data and
        tokens, and allow writing an approval of a deletion
    :raises BadSettings: if a connection must be corrected
    """
    admin = ordinary.administrator()
    greeting = admin.require_success(admin.request_server("GET", "/")).json()
    say(f"CouchDB {greeting.get('version', '(unknown version)')}, as {admin.couchdb_conn_id}")
    if not admin.is_administrator():
        raise BadSettings.about(
            account=None,
            cause=f"the login of the Airflow connection {admin.couchdb_conn_id} is not a CouchDB server administrator",
            next_step="Nothing was done. Set the connection couchdb_admin to an administrator's login, then run "
            "this again; the connection couchdb may stay as it is.",
        )
    if logs_requests(admin):
        say("log: CouchDB writes down each request, which names accounts and meters; set its [log] level to warning")
    member = None
    if ordinary is admin:
        say("user: there is no connection couchdb_admin, so couchdb, an administrator, is used for everything")
    else:
        member = _member(ordinary, admin, say)
    for reader in readers:
        _tell_unknown(admin, reader, say)
    for doctype in DOCTYPES:
        let_in = [*([member] if member else []), *(readers if doctype in FOR_READERS else ())]
        _database(admin, doctype, let_in, say)
    for doctype in DOCTYPES:
        if not ordinary.has_database(doctype):
            raise BadSettings.about(
                account=None,
                cause=f"the Airflow connection {ordinary.couchdb_conn_id} leads to a CouchDB without the "
                f"database {database_name(doctype, ordinary.facts.prefix)}, which was just created through "
                f"{admin.couchdb_conn_id}",
                next_step="Let both connections name the same server.",
            )
    for doctype in DOCTYPES:
        while (number := admin.count_unindexed(doctype)) > MOST_UNINDEXED:
            say(f"database {database_name(doctype, admin.facts.prefix)}: {number:,} documents to index; waiting")
            time.sleep(LOOK)
    say("ready")


def logs_requests(admin: CouchDBHook) -> bool:
    """Return whether CouchDB logs each request; ``False`` where an administrator cannot read the level.

    It does at ``debug``, ``info`` (the default) and ``notice`` (``chttpd:maybe_log``).
    """
    response = admin.request_server("GET", "/_node/_local/_config/log/level")
    if response.status_code == 404:
        return "unknown_config_value" in response.text
    return response.ok and response.text.strip().strip('"').lower() in ("debug", "info", "notice")


def _member(ordinary: CouchDBHook, admin: CouchDBHook, say: Say) -> str:
    name, password = ordinary.facts.login, ordinary.facts.password
    is_known = ordinary.logs_in()
    if is_known and ordinary.is_administrator():
        raise BadSettings.about(
            account=None,
            cause=f"the login of the Airflow connection {ordinary.couchdb_conn_id} is a server administrator's, too",
            next_step="Nothing was done. Give it its own login and password; this command then creates that user.",
        )
    users = admin.request_server("PUT", "/_users")
    if users.status_code != 412:
        admin.require_success(users)
        say("database _users: created")
    path = path_of_user(name)
    answer = admin.request_server("GET", path)
    if answer.status_code == 404:
        document = {"name": name, "password": password, "roles": [], "type": "user"}
        admin.require_success(admin.request_server("PUT", path, body=document))
        say(f"user {name}: created")
        return name
    if is_known:
        say(f"user {name}: exists")
    else:
        changed = dict(admin.require_success(answer).json()) | {"password": password}
        admin.require_success(admin.request_server("PUT", path, body=changed))
        say(f"user {name}: exists, now with the password of the connection {ordinary.couchdb_conn_id}")
        _wait_for(ordinary)
    return name


def _wait_for(ordinary: CouchDBHook) -> None:
    """Wait until CouchDB knows a new password.

    It forgets the old one only after its answer (``chttpd_auth_cache``). Five wrong tries would lock the login out.
    """
    for pause in PAUSES:
        if ordinary.logs_in():
            return
        time.sleep(pause)


def _tell_unknown(admin: CouchDBHook, name: str, say: Say) -> None:
    """Warn if CouchDB has no user of this name. Only an administrator creates readers."""
    if admin.request_server("GET", path_of_user(name)).status_code == 404:
        say(f"user {name}: CouchDB does not know it; create it as an administrator (docs/reading.md says how)")


def path_of_user(name: str) -> str:
    """Return the path of a CouchDB user's document."""
    return "/_users/" + quote(f"org.couchdb.user:{name}", safe="")


def _database(admin: CouchDBHook, doctype: str, members: Sequence[str], say: Say) -> None:
    state, *completed = admin.create_database(doctype)
    wanted = {"admins": {"names": [], "roles": ["_admin"]}, "members": {"names": sorted(members), "roles": ["_admin"]}}
    found = admin.require_success(admin.request("GET", doctype, "/_security")).json()
    changes = []
    if found != wanted:
        admin.require_success(admin.request("PUT", doctype, "/_security", body=wanted))
        changes = [f"now open to {' and '.join(sorted(members)) or 'administrators'}"]
    say(f"database {database_name(doctype, admin.facts.prefix)}: {', '.join([state, *changes, *completed])}")


if __name__ == "__main__":
    from grdf.airflow.command_line import see_connections

    see_connections()
    sys.exit(main())
