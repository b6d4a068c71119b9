"""``./grdf sandbox``: GRDF's stand-in and the embedded CouchDB; the first line on stdout is JSON for clients."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from include.sandbox.adict import identity
from include.sandbox.local_world import ROOT, LocalWorld, exit_code

DEFAULT_PORT = 8790
DEFAULT_COUCH_PORT = 5984


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf sandbox",
        description="Run a stand-in for GRDF (Client Connect and ADICT) and an embedded CouchDB until Ctrl-C.",
        epilog="Ports are of 127.0.0.1; 0 takes any free one.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--port", "--sandbox-port", type=int, default=DEFAULT_PORT, metavar="N", help="of the GRDF stand-in"
    )
    parser.add_argument("--couch-port", type=int, default=DEFAULT_COUCH_PORT, metavar="N", help="of CouchDB")
    kept = ROOT / ".grdf" / "sandbox"
    parser.add_argument(
        "--data", type=Path, default=kept, metavar="DIR", help="folder of all data, kept between starts"
    )
    back = identity.DEFAULT_REDIRECT_URI
    parser.add_argument("--redirect-uri", default=back, metavar="URI", help="where consents return to")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM, and return the exit code."""
    options = _arguments(argv)

    def serve() -> int:
        ports = {"sandbox_port": options.port, "couch_port": options.couch_port}
        with LocalWorld(options.data, **ports, redirect_uris=[options.redirect_uri]) as world:
            couch = world.couch
            facts = {"couch_url": couch.url, "couch_user": couch.user, "couch_password": couch.password}
            print(json.dumps(world.facts | facts), flush=True)
            print("GRDF stand-in and CouchDB are ready. Ctrl-C stops both.", file=sys.stderr, flush=True)
            world.watch()

    return exit_code(serve)


if __name__ == "__main__":
    sys.exit(main())
