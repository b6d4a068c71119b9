"""Child processes that never outlive their parent.

The sandbox, the demo and the tests start real servers. Each child leads a process group of its own, so that it is
ended with everything it started itself; all are ended when the block that started them is left, whichever way: its
end, an exception, Ctrl-C, SIGTERM, SIGHUP. Should the parent be killed outright, Linux ends the children in its stead.
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
"""How long a child may take to end after SIGTERM before it is killed."""

_POLL_SECONDS = 0.03
_TAIL_LINES = 12

# Runs in the child before the real program takes its place: asks Linux for SIGTERM when the parent dies (elsewhere
# prctl is missing and nothing is asked), then makes sure that the parent did not die before the question.
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
    """Inside the block SIGTERM and SIGHUP raise :class:`SystemExit` with 128 + the signal's number, as Ctrl-C raises.

    So that blocks around children are left in order. Only in the main thread, and only for signals that would end the
    process at once: whoever handles one already, or ignores it (``nohup``), means it.
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
    """One started process, known by its pid; made by :meth:`Processes.start`."""

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
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def alive(self) -> bool:
        """Say whether it still runs."""
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
        """Return the last lines of its log, indented, for an error message."""
        lines = self.output().splitlines()[-_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (nothing)"

    def wait(self, seconds: float) -> int:
        """Wait for it to end by itself.

        :param seconds: the time limit
        :returns: its exit code
        :raises ProcessError: when it still runs after that
        """
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not finish within {seconds:g} seconds") from None

    def await_http(self, url: str, seconds: float) -> None:
        """Wait until the URL is answered with a status below 500.

        :param url: a loopback URL that this child serves
        :param seconds: the time limit
        :raises ProcessError: when it ended, or did not answer in time
        """
        try:
            wait_http(url, seconds, alive=self.alive)
        except TimeoutError:
            if not self.alive():
                raise self._failure(f"ended with code {self.returncode} before it answered") from None
            raise self._failure(f"did not answer at {url} within {seconds:g} seconds") from None

    def await_line(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until its log holds a match.

        Unlike an answer on a port, a line in its own log cannot come from another program.

        :param pattern: a regular expression, searched for in its output
        :param seconds: the time limit
        :raises ProcessError: when it ended, or there was no match in time
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = not self.alive()  # asked first: what it wrote last is then in the log
            match = re.search(pattern, self.output())
            if match:
                return match
            if ended:
                raise self._failure(f"ended with code {self.returncode} before it was ready")
            if time.monotonic() >= deadline:
                raise self._failure(f"was not ready within {seconds:g} seconds")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End it and everything in its process group: SIGTERM, then SIGKILL.

        :param seconds: how long it may take to end by itself after SIGTERM
        :returns: its exit code
        """
        if not self._stopped:
            try:
                self._signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._popen.wait(seconds)
            finally:  # also when a second Ctrl-C cuts the waiting short
                self._signal(signal.SIGKILL)
                self._popen.wait()
                self._stopped = True
        return self._popen.wait()

    def _signal(self, number: int) -> None:
        # To the whole group: what the child started may outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _failure(self, what: str) -> ProcessError:
        return ProcessError(f"{self.name} {what}. Its log, {self.log}, ends with:\n{self.tail()}")


class Processes:
    """Children that are ended, last started first, when the ``with`` block is left.

    Inside the block signals that end a process are exceptions, see :func:`signals_as_exit`. Children started without
    a block are ended when Python ends.
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
        """Start a program in a process group of its own, without input, its output added to a log file.

        :param name: what to call it in messages, such as ``The embedded CouchDB``
        :param argv: the program and its arguments; no secrets, which every user of the machine could read there
        :param log: the file for its output, made readable by nobody else
        :param env: variables added to this process's environment
        :param cwd: the folder to run in
        :param pass_fds: file descriptors to leave open in it
        :raises ProcessError: when the program cannot be started
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [os.fspath(part) for part in argv]
        environment = {**os.environ, **(env or {})}
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            raise ProcessError(f"{name} could not be started: there is no program {command[0]}.")
        if threading.current_thread() is threading.main_thread():
            # Linux takes the end of the starting *thread* for the parent's death, so only the main thread may ask.
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
            atexit.register(self.stop)  # for those who start without a with block
        self._children.append(child)
        return child

    @property
    def children(self) -> tuple[Child, ...]:
        """The children that were started and not yet stopped, first started first."""
        return tuple(self._children)

    def stop(self) -> None:
        """End every child, last started first. An interruption in the meantime makes it quicker, not incomplete."""
        if os.getpid() != self._owner:
            return  # a fork of the process that started them: they are not its children
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
