"""``./grdf up``: run Airflow's UI, GRDF's stand-in and CouchDB to try everything out, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from include.sandbox.airflow_stack import ADMIN, APPROVER, VIEWER, AirflowStack
from include.sandbox.connect import HOUSEHOLDS, connect
from include.sandbox.form_connections import form_connections
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import ProcessError, Processes, free_port, require_port

ROOT = Path(__file__).resolve().parents[2]
UP = ROOT / ".grdf" / "up"
DATABASE = "GRDF_UP_DATABASE"


def main(argv: Sequence[str] | None = None) -> int:
    """Start everything, print how to reach it, wait for Ctrl-C and stop everything.

    :param argv: command-line arguments
    :return: exit code: 0 after Ctrl-C or SIGTERM, 1 if a part exited by itself, 2 if something could not be started
    """
    options = _arguments(argv)
    try:
        require_port(options.port, purpose="Airflow's UI", option="--port")
        require_port(options.sandbox_port, purpose="the ADICT sandbox", option="--sandbox-port")
        require_port(options.couch_port, purpose="the embedded CouchDB", option="--couch-port")
        return _run(options)
    except ProcessError as error:
        print(f"grdf: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit):
        print("\ngrdf: all that was started has been ended.", file=sys.stderr)
        return 0


def _run(options: argparse.Namespace) -> int:
    data: Path = options.data
    port = options.port or free_port()
    address = f"http://localhost:{port}"
    page = f"{address}/grdf/callback"  # GRDF's stand-in sends households back to this address
    world = LocalWorld(
        data,
        sandbox_port=options.sandbox_port,
        couch_port=options.couch_port,
        redirect_uris=[page],
        real_continues=True,
    )
    with world:
        print("grdf: GRDF's stand-in and CouchDB run; starting Airflow (about 20 s) ...", file=sys.stderr)
        connections = world.connections(redirect_uri=page)
        for name in connections:  # in Airflow's database, where its forms show them; a variable would come before that
            os.environ.pop(name, None)
        env = {"AIRFLOW__API__BASE_URL": address, "AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
        airflow = AirflowStack(data / "airflow", port, env | _database())
        airflow.start(world.processes, triggerer=True, connections=form_connections(connections))
        airflow.keep_environment()
        if "couchdb" not in airflow.kept_connections:  # a person's own server is set up by that person
            _set_up_couchdb(airflow)
        for household in HOUSEHOLDS[:2]:  # not earlier, because a code is only valid for a minute
            if world.book.get(household.account) is None:
                connect(household, world.facts, world.door, world.book)
        print(
            f"""
  Airflow's UI   {address}   user {ADMIN}, password {airflow.password}
                 to look only: user {VIEWER}, password {airflow.viewer_password}
                 to approve deletions: user {APPROVER}, password {airflow.approver_password}
  Connections    {address}/connections   {about_connections(airflow.kept_connections)}
  Connect        {address}/grdf/connect/   a household, through the sandbox's consent page
  GRDF sandbox   {world.facts["adict_base"]}
  GRDF's e-mails {world.facts["control_url"]}/mailbox   where invented holders accept a declared right
  CouchDB        {world.couch.url}   user {world.couch.user}, password in {data / "couch" / "password"}
  State, logs    {data}
  Command line   {_prefix(airflow.home)}./grdf airflow ...

  Ctrl-C ends all of it; what is stored stays for the next time.
""",
            flush=True,
        )
        return _watch(world.processes)


def about_connections(kept: Sequence[str]) -> str:
    """Return what is said of Airflow's connections.

    :param kept: ids of those that a person has typed
    """
    if not kept:
        return 'filled in; "Test" asks the sandbox'
    return (
        f"left as they are, because they do not lead to this machine: {', '.join(kept)}\n"
        "                 the others are filled in; delete one there, and the next start fills it in again"
    )


def _set_up_couchdb(airflow: AirflowStack) -> None:
    """Create the databases, as in any installation. Without them the *Test* button of ``couchdb`` would be red.

    :raises ProcessError: if that fails
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "grdf.couchdb_setup", "setup"],
        env=os.environ | airflow.env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProcessError(f"CouchDB could not be set up: {done.stderr.strip()}")


def _database() -> dict[str, str]:
    """Return the settings for a database other than SQLite."""
    url = os.environ.get(DATABASE)
    return {f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{kind}": url for kind in ("", "_ASYNC")} if url else {}


def _prefix(home: Path) -> str:
    """Return the variable that ``./grdf airflow`` needs to find this Airflow, or ``""`` if it finds it by itself."""
    return "" if home == UP / "airflow" else f"AIRFLOW_HOME={shlex.quote(str(home))} "


def _watch(processes: Processes) -> int:
    while True:
        for child in processes.children:
            if not child.alive():
                print(f"grdf: {child.name} ended by itself. Its log, {child.log}, ends with:", file=sys.stderr)
                print(child.tail(), file=sys.stderr)
                return 1
        time.sleep(1)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf up",
        description="Airflow's UI, GRDF's stand-in and CouchDB.",
        epilog=f"Airflow's database is SQLite, or what {DATABASE} names: an address as SQLAlchemy writes it, such as "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE.",
    )
    parser.add_argument(
        "--port", type=int, default=8080, help="port of Airflow's UI (default 8080; 0 takes a free one)"
    )
    parser.add_argument("--sandbox-port", type=int, default=0, help="port of the sandbox (default: a free one)")
    parser.add_argument("--couch-port", type=int, default=0, help="port of CouchDB (default: a free one)")
    parser.add_argument("--data", type=Path, default=UP, help="folder that keeps the state")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
