"""``./grdf up``: Airflow's UI, GRDF's stand-in and CouchDB to try out, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from include.sandbox.airflow_stack import ADMIN, APPROVER, VIEWER, AirflowStack
from include.sandbox.airflow_stack import DATABASE as SETTING
from include.sandbox.connect import HOUSEHOLDS, PATIENT, connect
from include.sandbox.local_world import ROOT, LocalWorld, exit_code, form_connections
from include.sandbox.processes import free_port

UP = ROOT / ".grdf" / "up"
DATABASE = "GRDF_UP_DATABASE"


def main(argv: Sequence[str] | None = None) -> int:
    """Start everything, print how to reach it, wait for Ctrl-C, stop, and return the exit code."""
    options = _arguments(argv)
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    port = options.port or free_port()
    address = f"http://localhost:{port}"
    page = f"{address}/grdf/callback"  # GRDF's stand-in sends households back here
    ports = {"sandbox_port": options.sandbox_port, "couch_port": options.couch_port}
    with LocalWorld(options.data, **ports, redirect_uris=[page], real_continues=True) as world:
        connections = world.connections(redirect_uri=page)
        for name in connections:  # in Airflow's database, for its forms; a variable would come first
            os.environ.pop(name, None)
        env = {
            "AIRFLOW__API__BASE_URL": address,
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
        }
        if url := os.environ.get(DATABASE):
            env |= {SETTING: url, f"{SETTING}_ASYNC": url}
        airflow = AirflowStack(world.data / "airflow", port, env)
        print("grdf: GRDF's stand-in and CouchDB run; starting Airflow (20 s, a minute if busy) ...", file=sys.stderr)
        airflow.start(world.processes, triggerer=True, connections=form_connections(connections))
        airflow.keep_environment()
        world.control.set(**PATIENT)
        for household in HOUSEHOLDS[:2]:
            if world.book.get(household.account) is None:
                connect(household, world.facts, world.book)
        elsewhere = "" if airflow.home == UP / "airflow" else f"AIRFLOW_HOME={shlex.quote(str(airflow.home))} "
        print(
            f"""
  Airflow's UI   {address}   user {ADMIN}, password {airflow.password}
                 to look only: user {VIEWER}, password {airflow.viewer_password}
                 to approve deletions: user {APPROVER}, password {airflow.approver_password}
  Connections    {address}/connections   {about_connections(airflow.kept_connections)}
  Connect        {address}/grdf/connect/   a household, through the sandbox's consent page
  GRDF sandbox   {world.facts["adict_base"]}
  GRDF's e-mails {world.facts["control_url"]}/mailbox   where invented holders accept a declared right
  CouchDB        {world.couch.url}   user {world.couch.user}, password in {world.data / "couch" / "password"}
  State, logs    {world.data}
  Command line   {elsewhere}./grdf airflow ...

  Ctrl-C ends all of it; what is stored stays for the next time.
""",
            flush=True,
        )
        world.watch()


def about_connections(kept: Sequence[str]) -> str:
    """Return the lines about Airflow's connections, some of which a person may have typed."""
    if not kept:
        return 'filled in; "Test" asks the sandbox'
    return (
        f"left as they are, because they do not lead to this machine: {', '.join(kept)}\n"
        "                 the others are filled in; delete one there, and the next start fills it in again"
    )


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
