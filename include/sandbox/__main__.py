"""``python -m include.sandbox``: the ADICT sandbox and the embedded CouchDB together, in the foreground.

The first line on stdout is a JSON object with everything a client needs. Ctrl-C or SIGTERM stops both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from include.sandbox.adict import identity
from include.sandbox.couch import EmbeddedCouch
from include.sandbox.couch.node import REPOSITORY
from include.sandbox.processes import Child, ProcessError, Processes, require_port

DEFAULT_PORT = 8790
DEFAULT_COUCH_PORT = 5984
START_SECONDS = 60.0

_STOPPED = (0, 128 + signal.SIGTERM, 128 + signal.SIGHUP)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


_port.__name__ = "port"  # argparse shows this name in its error message


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./grdf sandbox",
        description="Run a stand-in for GRDF (Client Connect and ADICT) and an embedded CouchDB until Ctrl-C.",
        epilog="Ports are of 127.0.0.1; 0 takes any free one.",
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, metavar="N", help=f"of the GRDF stand-in ({DEFAULT_PORT})"
    )
    parser.add_argument(
        "--couch-port", type=_port, default=DEFAULT_COUCH_PORT, metavar="N", help=f"of CouchDB ({DEFAULT_COUCH_PORT})"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=REPOSITORY / ".grdf" / "sandbox",
        metavar="DIR",
        help="folder of all data, kept between starts (.grdf/sandbox in the repository)",
    )
    parser.add_argument(
        "--redirect-uri",
        default=identity.DEFAULT_REDIRECT_URI,
        metavar="URI",
        help=f"where consents return to ({identity.DEFAULT_REDIRECT_URI})",
    )
    return parser.parse_args(argv)


def _start_adict(processes: Processes, options: argparse.Namespace, data: Path) -> tuple[Child, int]:
    """Start the GRDF stand-in and wait until it answers. Return its process and its port."""
    argv: list[str | Path] = [sys.executable, "-m", "include.sandbox.adict", "--port", str(options.port)]
    adict = processes.start(
        "The ADICT sandbox",
        [*argv, "--data", data / "adict", "--redirect-uri", options.redirect_uri],
        log=data / "adict.log",
        env={"PYTHONUNBUFFERED": "1"},
        cwd=REPOSITORY,
    )
    facts = json.loads(adict.await_line(r"(?m)^\{.*\}$", START_SECONDS)[0])
    port = int(facts["control_url"].rsplit(":", 1)[1].split("/")[0])
    adict.await_http(facts["control_url"] + "/clock", START_SECONDS)
    return adict, port


def _serve(options: argparse.Namespace) -> None:
    """Start both servers, print how to reach them, and run until a signal arrives.

    :raises ProcessError: if one of them does not start, or exits by itself
    """
    require_port(options.port, purpose="the GRDF stand-in", option="--port")
    require_port(options.couch_port, purpose="the embedded CouchDB", option="--couch-port")
    if options.port and options.port == options.couch_port:
        raise ProcessError(f"Port {options.port} is asked for twice: give --port and --couch-port different ports.")
    data = options.data.resolve()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Processes() as processes, EmbeddedCouch(data / "couch", options.couch_port) as couch:
        adict, port = _start_adict(processes, options, data)
        facts = identity.connection_facts(port, options.redirect_uri)
        facts |= {"couch_url": couch.url, "couch_user": couch.user, "couch_password": couch.password}
        print(json.dumps(facts), flush=True)
        print("GRDF stand-in and CouchDB are ready. Ctrl-C stops both.", file=sys.stderr, flush=True)
        while True:
            with contextlib.suppress(ProcessError):  # a timeout means that it is still running, as it should be
                adict.wait(0.5)
                break
            if not couch.running:
                raise ProcessError(f"The embedded CouchDB ended by itself; its log is {couch.log}.")
        raise ProcessError(f"The ADICT sandbox ended by itself; its log is {adict.log}.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM.

    :param argv: arguments after the program's name
    :return: exit code: 0 after Ctrl-C or SIGTERM, 2 if something could not be started
    """
    options = _arguments(argv)
    try:
        _serve(options)
    except KeyboardInterrupt:
        return 0
    except SystemExit as stop:
        return 0 if stop.code in _STOPPED else 2
    except (ProcessError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
