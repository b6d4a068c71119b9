"""Servers as child processes that never outlive their parent, and the loopback ports on which they listen.

Each child leads its own process group, so it is stopped together with everything that it has started. All children are
stopped when the block that started them is left, whether normally, by an exception, or by Ctrl-C, SIGTERM or SIGHUP. If
the parent itself is killed, Linux stops the children.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import requests

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 8.0
"""Seconds that a child may take to exit after SIGTERM before it is killed."""

_POLL_SECONDS = 0.03
_TAIL_LINES = 12
_Found = TypeVar("_Found")

# Runs in the child before the real program replaces it. It asks Linux to send SIGTERM when the parent dies (other
# systems have no prctl, so nothing happens there), then checks that the parent did not die before that.
_TETHER = """
import ctypes, os, sys
try:
    ctypes.CDLL(None).prctl(1, 15)
except (AttributeError, OSError, TypeError):
    pass
if os.getppid() == int(sys.argv[1]):
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]}: {error}")
"""


class ProcessError(RuntimeError):
    """Something could not be started, or ended by itself. The message says what, why, and how its log ends."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on. Where a server can choose one by itself (0), let it."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # Servers do the same: connections left by a server that has just ended do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def require_port(port: int, *, purpose: str, option: str) -> None:
    """Check that a port may be used. Port 0 (any free one) always passes."""
    if port and not port_is_free(port):
        raise ProcessError(
            f"Port {port}, wanted for {purpose}, is taken by another program (or not allowed): "
            f"stop that program, or choose another port with {option} (0 takes any free one)."
        )


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class Child:
    """A started process, created by :meth:`Processes.start`."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._log_start = log_start

    @property
    def pid(self) -> int:
        """The process id, and that of its process group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; ``None`` while the process is running."""
        return self._popen.poll()

    def alive(self) -> bool:
        """Return whether the process is still running."""
        return self._popen.poll() is None

    def output(self) -> str:
        """Return what this process has written to its log so far."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def tail(self) -> str:
        """Return the last lines of the log, indented, for an error message."""
        return "\n".join(f"    {line}" for line in self.output().splitlines()[-_TAIL_LINES:]) or "    (nothing)"

    def wait(self, seconds: float) -> int:
        """Wait for the process to exit by itself, and return its exit code."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not finish within {seconds:g} seconds") from None

    def await_http(self, url: str, seconds: float) -> None:
        """Wait until the URL is answered with a status below 500."""
        self._await(lambda: _answers(url), seconds, f"answered at {url}")

    def await_line(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until the process's log, which no other program writes, contains a match, and return the match."""
        return self._await(lambda: re.search(pattern, self.output()), seconds, "was ready")

    def _await(self, find: Callable[[], _Found | None], seconds: float, what: str) -> _Found:
        deadline = time.monotonic() + seconds
        while True:
            ended = not self.alive()  # check this first, so that the log then contains its last output
            if found := find():
                return found
            if ended:
                raise self._failure(f"ended with code {self.returncode} before it {what}")
            if time.monotonic() >= deadline:
                raise self._failure(f"took more than {seconds:g} seconds before it {what}")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Stop the process and its process group with SIGTERM, then SIGKILL. Return the exit code."""
        try:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        finally:  # even if a second Ctrl-C interrupts the waiting
            self._signal(signal.SIGKILL)
            self._popen.wait()
        return self._popen.wait()

    def _signal(self, number: int) -> None:
        # Signal the whole group, because processes that the child has started may outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _failure(self, what: str) -> ProcessError:
        return ProcessError(f"{self.name} {what}. Its log, {self.log}, ends with:\n{self.tail()}")


def _answers(url: str) -> bool:
    with requests.Session() as http:
        http.trust_env = False  # no proxy
        try:
            return http.get(url, timeout=2, allow_redirects=False).status_code < 500
        except requests.RequestException:
            return False  # not listening yet


class Processes:
    """Children that are stopped, last started first, when the ``with`` block is left.

    Inside it, SIGTERM and SIGHUP raise :class:`SystemExit`, with 128 plus the signal's number, so that they leave the
    blocks in order, as Ctrl-C does: in the main thread only, and only if they have the default action (no ``nohup``).
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._former: dict[int, Any] = {}
        self.children: list[Child] = []
        """Those that have not been stopped yet, first started first."""

    def __enter__(self) -> Processes:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._former[number] = signal.signal(number, _leave)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.stop()
        finally:
            while self._former:
                signal.signal(*self._former.popitem())

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a program in its own process group, without input, and append its output to a log file.

        :param name: its name in messages, such as ``The embedded CouchDB``
        :param argv: the program and its arguments; no secrets, because every user of the machine can read arguments
        :param pass_fds: file descriptors that the program inherits
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [os.fspath(part) for part in argv]
        if threading.current_thread() is threading.main_thread():
            # Linux considers the parent dead when the *thread* that started the child ends. So do this in the main
            # thread only.
            command = [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command]
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            start = output.tell()
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                process_group=0,
            )
            child = Child(name, popen, log, start)
        self.children.append(child)
        return child

    def stop(self) -> None:
        """Stop all children, last started first; the others too if Ctrl-C interrupts the waiting for one."""
        if os.getpid() != self._owner:
            return  # in a fork of the process that started them, they are not this process's children
        with contextlib.ExitStack() as stopping:
            for child in self.children:
                stopping.callback(child.stop)
            self.children = []
