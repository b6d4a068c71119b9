"""Child processes that never outlive their parent.

The sandbox, the demo and the tests start real servers. Each child leads its own process group, so it is stopped
together with everything that it has started. All children are stopped when the block that started them is left, whether
normally, by an exception, or by Ctrl-C, SIGTERM or SIGHUP. If the parent itself is killed, Linux stops the children.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from include.sandbox.ports import LOOPBACK, PortTaken, ProcessError, free_port, port_is_free, require_port, wait_http

__all__ = [
    "LOOPBACK",
    "Child",
    "PortTaken",
    "ProcessError",
    "Processes",
    "free_port",
    "port_is_free",
    "require_port",
    "signals_as_exit",
    "wait_http",
]

STOP_SECONDS = 8.0
"""Seconds that a child may take to exit after SIGTERM before it is killed."""

_POLL_SECONDS = 0.03
_TAIL_LINES = 12

# Runs in the child before the real program replaces it. It asks Linux to send SIGTERM when the parent dies (other
# systems have no prctl, so nothing happens there), then checks that the parent did not die before that.
_TETHER = """
import ctypes, os, sys
try:
    ctypes.CDLL(None).prctl(1, 15)
except (AttributeError, OSError, TypeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def signals_as_exit() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise :class:`SystemExit` inside the block, with 128 plus the signal's number.

    Like Ctrl-C, they then leave the blocks around children in order. This applies only in the main thread, and only to
    signals with the default action. Signals that are already handled or ignored (``nohup``) stay as they are.
    """
    former: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                former[number] = signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class Child:
    """A started process, created by :meth:`Processes.start`."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._log_start = log_start
        self._stopped = False

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
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
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def tail(self) -> str:
        """Return the last lines of the log, indented, for an error message."""
        lines = self.output().splitlines()[-_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (nothing)"

    def wait(self, seconds: float) -> int:
        """Wait for the process to exit by itself, and return its exit code.

        :param seconds: time limit
        :raises ProcessError: if it is still running after that
        """
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not finish within {seconds:g} seconds") from None

    def await_http(self, url: str, seconds: float) -> None:
        """Wait until the URL is answered with a status below 500.

        :param url: a loopback URL that this child serves
        :param seconds: time limit
        :raises ProcessError: if the process has ended, or did not answer in time
        """
        try:
            wait_http(url, seconds, alive=self.alive)
        except TimeoutError:
            if not self.alive():
                raise self._failure(f"ended with code {self.returncode} before it answered") from None
            raise self._failure(f"did not answer at {url} within {seconds:g} seconds") from None

    def await_line(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until the process's log contains a match, and return the match.

        Unlike an answer on a port, a line in this log cannot come from another program.

        :param pattern: a regular expression to search for in the output
        :param seconds: time limit
        :raises ProcessError: if the process has ended, or there was no match in time
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = not self.alive()  # check this first, so that the log then contains its last output
            match = re.search(pattern, self.output())
            if match:
                return match
            if ended:
                raise self._failure(f"ended with code {self.returncode} before it was ready")
            if time.monotonic() >= deadline:
                raise self._failure(f"was not ready within {seconds:g} seconds")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Stop the process and its process group with SIGTERM, then SIGKILL. Return the exit code.

        :param seconds: how long the process may take to exit after SIGTERM
        """
        if not self._stopped:
            try:
                self._signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._popen.wait(seconds)
            finally:  # even if a second Ctrl-C interrupts the waiting
                self._signal(signal.SIGKILL)
                self._popen.wait()
                self._stopped = True
        return self._popen.wait()

    def _signal(self, number: int) -> None:
        # Signal the whole group, because processes that the child has started may outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _failure(self, what: str) -> ProcessError:
        return ProcessError(f"{self.name} {what}. Its log, {self.log}, ends with:\n{self.tail()}")


class Processes:
    """Children that are stopped, last started first, when the ``with`` block is left.

    Inside the block, signals that end a process become exceptions, see :func:`signals_as_exit`. Children started
    without a block are stopped when Python exits.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._children: list[Child] = []
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> Processes:
        self._signals.enter_context(signals_as_exit())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._signals:
            self.stop()

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
        :param log: the log file; it is created so that only the owner can read it
        :param env: variables added to this process's environment
        :param cwd: working directory
        :param pass_fds: file descriptors that the program inherits
        :raises ProcessError: if the program cannot be started
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [os.fspath(part) for part in argv]
        environment = {**os.environ, **(env or {})}
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            raise ProcessError(f"{name} could not be started: there is no program {command[0]}.")
        if threading.current_thread() is threading.main_thread():
            # Linux considers the parent dead when the *thread* that started the child ends. So do this in the main
            # thread only.
            command = [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *command]
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            start = os.fstat(descriptor).st_size
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                process_group=0,
            )
        except OSError as error:
            raise ProcessError(f"{name} could not be started: {error}.") from error
        finally:
            os.close(descriptor)
        child = Child(name, popen, log, start)
        if not self._children:
            atexit.register(self.stop)  # in case there is no with block
        self._children.append(child)
        return child

    @property
    def children(self) -> tuple[Child, ...]:
        """The children that have not been stopped yet, first started first."""
        return tuple(self._children)

    def stop(self) -> None:
        """Stop all children, last started first. An interruption makes this faster, but not incomplete."""
        if os.getpid() != self._owner:
            return  # in a fork of the process that started them, they are not this process's children
        atexit.unregister(self.stop)
        interruption: BaseException | None = None
        while self._children:
            child = self._children[-1]
            try:
                child.stop(STOP_SECONDS if interruption is None else 0)
            except (KeyboardInterrupt, SystemExit) as raised:
                interruption = raised
                continue
            self._children.pop()
        if interruption is not None:
            raise interruption
