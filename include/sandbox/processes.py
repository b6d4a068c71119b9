"""Servers as child processes that never outlive their parent, and their loopback ports.

Each leads a process group, stopped with the block that started it, however that ends. If the parent is killed, Linux
stops them.
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
"""Seconds from SIGTERM to SIGKILL."""

_POLL_SECONDS = 0.03
_TAIL_LINES = 12
_Found = TypeVar("_Found")

# Runs in the child first: Linux shall send SIGTERM when the parent dies (nothing on other systems); then it checks that
# the parent still lives.
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
    """A process could not be started, or ended by itself; with the end of its log."""


def free_port() -> int:
    """Return a free port of 127.0.0.1, for servers that cannot take 0."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections of an ended server do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def require_port(port: int, *, purpose: str, option: str) -> None:
    """Check that a port may be used; 0 always may."""
    if port and not port_is_free(port):
        raise ProcessError(
            f"Port {port}, wanted for {purpose}, is taken by another program (or not allowed): "
            f"stop that program, or choose another port with {option} (0 takes any free one)."
        )


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class Child:
    """A process started by :meth:`Processes.start`."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._log_start = log_start

    @property
    def pid(self) -> int:
        """The process id, and that of its group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; ``None`` while it runs."""
        return self._popen.poll()

    def alive(self) -> bool:
        """Return whether the process is still running."""
        return self._popen.poll() is None

    def output(self) -> str:
        """Return the process's log so far."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def tail(self) -> str:
        """Return the end of the log, indented."""
        return "\n".join(f"    {line}" for line in self.output().splitlines()[-_TAIL_LINES:]) or "    (nothing)"

    def wait(self, seconds: float) -> int:
        """Wait for the process to exit, and return its exit code."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not finish within {seconds:g} seconds") from None

    def await_http(self, url: str, seconds: float) -> None:
        """Wait until the URL is answered with a status below 500."""
        self._await(lambda: _answers(url), seconds, f"answered at {url}")

    def await_line(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait for a match in the process's log."""
        return self._await(lambda: re.search(pattern, self.output()), seconds, "was ready")

    def _await(self, find: Callable[[], _Found | None], seconds: float, what: str) -> _Found:
        deadline = time.monotonic() + seconds
        while True:
            ended = not self.alive()  # first, so that the log has its last output
            if found := find():
                return found
            if ended:
                raise self._failure(f"ended with code {self.returncode} before it {what}")
            if time.monotonic() >= deadline:
                raise self._failure(f"took more than {seconds:g} seconds before it {what}")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Stop the process group with SIGTERM, then SIGKILL. Return the exit code."""
        try:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        finally:  # even if a second Ctrl-C interrupts the waiting
            self._signal(signal.SIGKILL)
            self._popen.wait()
        return self._popen.wait()

    def _signal(self, number: int) -> None:
        # The whole group: what the child has started may outlive it.
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
    """Children that are stopped, last started first, at the end of the ``with`` block.

    In the main thread, SIGTERM and SIGHUP raise :class:`SystemExit` (128 plus the signal), unless ignored (``nohup``).
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._former: dict[int, Any] = {}
        self.children: list[Child] = []
        """Those still running, first started first."""

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
        """Start a program in its own process group, logged to a file. Arguments are no place for secrets."""
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [os.fspath(part) for part in argv]
        if threading.current_thread() is threading.main_thread():
            # From the main thread: Linux considers the parent dead when the starting *thread* ends.
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
        """Stop all children, last started first, even if Ctrl-C interrupts one wait."""
        if os.getpid() != self._owner:
            return  # a fork's children are not its own
        with contextlib.ExitStack() as stopping:
            for child in self.children:
                stopping.callback(child.stop)
            self.children = []
