"""What an Airflow needs before it starts, in one process: each of Airflow's own commands imports all of Airflow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from include.sandbox.airflow_stack import is_here, write_private


def main() -> int:
    """Migrate the database, put the connections of stdin, and set up CouchDB if asked.

    Former connections are replaced if they lead to this machine: only the sandbox is there. The ids of those that stay
    are printed.
    """
    connections: dict[str, dict[str, Any]] = json.load(sys.stdin)
    airflow("db", "migrate")
    file = Path(os.environ["AIRFLOW_HOME"], "connections.json")
    try:
        write_private(file, "{}")  # so that it is private before it has a secret
        airflow("connections", "export", str(file))
        former: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        kept = sorted(name for name in connections if name in former and not is_here(former[name].get("host")))
        write_private(file, json.dumps({name: fields for name, fields in connections.items() if name not in kept}))
        airflow("connections", "import", "--overwrite", str(file))
    finally:
        file.unlink(missing_ok=True)
    code = 0
    if "--couchdb" in sys.argv and "couchdb" not in kept:  # a person's own server is that person's to set up
        from grdf import couchdb_setup
        from grdf.airflow.command_line import see_connections

        see_connections()
        code = couchdb_setup.main(["setup"])
    print(json.dumps(kept))
    return code


def airflow(*arguments: str) -> None:
    """Run one of Airflow's commands."""
    from airflow.cli.cli_parser import get_parser

    parsed = get_parser().parse_args(arguments)
    parsed.func(parsed)


if __name__ == "__main__":
    sys.exit(main())
