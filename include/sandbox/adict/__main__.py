"""``python -m include.sandbox.adict``: run the ADICT sandbox in the foreground.

The first line on stdout is a JSON object with the connection facts, written once the server accepts connections.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import socket
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType

from waitress import create_server

from include.sandbox.adict import identity
from include.sandbox.adict.app import make_app, open_world
from include.sandbox.adict.paris import PARIS


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m include.sandbox.adict", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the state, kept between starts")
    parser.add_argument("--redirect-uri", action="append", help="exact redirect URI of the data client; repeatable")
    parser.add_argument("--calls-per-second", type=float, help="enforce a quota from the start (default: as last set)")
    parser.add_argument(
        "--real-continues", action="store_true", help="let the real household's figures go on up to yesterday"
    )
    parser.add_argument("--now", type=_instant, help="set the clock to this instant, ISO (default: as last set)")
    return parser.parse_args(argv)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C.

    :param argv: arguments after the program's name
    :return: exit code: 0 after SIGTERM or Ctrl-C, 2 if the port is taken or the folder cannot be used
    """
    options = _arguments(argv)
    signal.signal(signal.SIGTERM, _stop)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((identity.HOST, options.port))
    except OSError as error:
        print(
            f"Port {options.port} of {identity.HOST} cannot be used ({error.strerror}): give another.", file=sys.stderr
        )
        return 2
    port: int = listener.getsockname()[1]
    redirect_uris = tuple(options.redirect_uri or [identity.DEFAULT_REDIRECT_URI])
    try:
        at = open_world(options.data, port, redirect_uris, options.now)
    except (OSError, sqlite3.Error) as error:
        print(f"The folder {options.data} cannot hold the sandbox's state ({error}): give another.", file=sys.stderr)
        return 2
    if options.calls_per_second is not None:
        at.store.put("calls_per_second", options.calls_per_second or None)
    if options.real_continues:
        at.store.put("real_continues", True)
    # Do not log cut connections, which are injected faults, or full queues, which are busy tests.
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    server = create_server(
        make_app(at),
        sockets=[listener],
        threads=16,
        ident=None,
        # Above this limit (by default 100), waitress makes new clients wait until others disconnect.
        connection_limit=2000,
        asyncore_use_poll=True,
    )
    print(json.dumps(identity.connection_facts(port, redirect_uris[0])), flush=True)
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.close()
        at.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
