"""``python -m include.sandbox.adict``: the ADICT sandbox until SIGTERM or Ctrl-C; its first line is JSON facts."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import signal
import socket
import sys
from pathlib import Path

from waitress import create_server

from include.sandbox.adict import identity
from include.sandbox.adict.app import make_app, open_world


def main(argv: list[str] | None = None) -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m include.sandbox.adict", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the state, kept between starts")
    parser.add_argument("--redirect-uri", action="append", help="exact redirect URI of the data client; repeatable")
    parser.add_argument(
        "--real-continues", action="store_true", help="let the real household's figures go on up to yesterday"
    )
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    listener = socket.create_server((identity.HOST, options.port), backlog=1024)
    port: int = listener.getsockname()[1]
    at = open_world(options.data, port, tuple(options.redirect_uri or [identity.DEFAULT_REDIRECT_URI]))
    if options.real_continues:
        at.store.put("real_continues", True)
    # Not cut connections, which are injected faults, or full queues, which are busy tests.
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    # Above the limit (by default 100), waitress makes new clients wait.
    options_of_server = {"threads": 16, "ident": None, "connection_limit": 2000, "asyncore_use_poll": True}
    server = create_server(make_app(at), sockets=[listener], **options_of_server)
    print(json.dumps(identity.connection_facts(port, at.redirect_uris[0])), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


if __name__ == "__main__":
    main()
