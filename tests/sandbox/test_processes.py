"""Child processes end with their parent, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.sandbox.processes import (
    PortTaken,
    ProcessError,
    Processes,
    free_port,
    port_is_free,
    require_port,
    wait_http,
)

ROOT = Path(__file__).resolve().parents[2]

# A child that starts a child of its own, and prints both pids.
FAMILY = """
import subprocess, sys, os, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("family", os.getpid(), inner.pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):  # a zombie that init has not reaped yet has ended
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return True


def gone(*pids: int) -> bool:
    deadline = time.monotonic() + 10
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(runs, pids))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_free_port_is_free() -> None:
    port = free_port()
    assert port_is_free(port)
    require_port(port, purpose="a test", option="--port")
    require_port(0, purpose="a test", option="--port")


def test_a_taken_port_is_named_in_one_line(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert not port_is_free(port)
    with pytest.raises(PortTaken) as caught:
        require_port(port, purpose="the embedded CouchDB", option="--couch-port")
    text = str(caught.value)
    assert "\n" not in text
    assert f"Port {port}" in text
    assert "the embedded CouchDB" in text
    assert "--couch-port" in text


def test_a_port_left_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        served, _ = server.accept()
        served.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    assert port_is_free(port)


def test_a_block_ends_its_children_and_theirs(tmp_path: Path) -> None:
    with Processes() as processes:
        child = processes.start("The family", python(FAMILY), log=tmp_path / "log")
        match = child.await_line(r"family (\d+) (\d+)", 20)
        assert child.pid == int(match[1])
        assert os.getpgid(int(match[2])) == child.pid != os.getpgid(0)
    assert gone(child.pid, int(match[2]))
    assert child.returncode == -signal.SIGTERM


def test_an_exception_ends_them(tmp_path: Path) -> None:
    children = []

    def fail() -> None:
        with Processes() as processes:
            children.append(processes.start("The family", python(FAMILY), log=tmp_path / "log"))
            children[0].await_line("family", 20)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert gone(children[0].pid)


def test_who_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    with Processes() as processes:
        child = processes.start("The stubborn one", python(STUBBORN), log=tmp_path / "log")
        child.await_line("ready", 20)
        begin = time.monotonic()
        assert child.stop(0.3) == -signal.SIGKILL
        assert time.monotonic() - begin < 5
        assert child.stop() == -signal.SIGKILL


PARENT = """
import signal, sys, time
from pathlib import Path
from include.sandbox.processes import Processes
family = {family!r}
with Processes() as processes:
    child = processes.start("The family", [sys.executable, "-c", family], log=Path({log!r}))
    print(*child.await_line(r"family (\\d+) (\\d+)", 20).groups(), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 128 + signal.SIGHUP)],
)
def test_signals_to_the_parent_end_them(tmp_path: Path, number: signal.Signals, code: int) -> None:
    parent, pids = start_parent(tmp_path)
    parent.send_signal(number)
    parent.communicate(timeout=20)
    assert parent.returncode == code
    assert gone(*pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_a_killed_parent_takes_its_child_along(tmp_path: Path) -> None:
    parent, pids = start_parent(tmp_path)
    parent.kill()
    parent.communicate(timeout=20)
    assert gone(pids[0])
    with contextlib.suppress(ProcessLookupError):
        os.kill(pids[1], signal.SIGKILL)  # the child should end its own children, but this one does not


def start_parent(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    code = PARENT.format(family=FAMILY, log=str(tmp_path / "log"))
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


def test_outside_a_block_they_end_with_python(tmp_path: Path) -> None:
    code = PARENT.format(family=FAMILY, log=str(tmp_path / "log"))
    code = code.replace("with Processes() as processes:", "processes = Processes()\nif True:")
    code = code.replace("time.sleep(60)\n", "\n")
    parent = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert parent.returncode == 0, parent.stderr
    assert gone(*map(int, parent.stdout.split()))


def test_a_thread_may_start_them_and_end_before_them(tmp_path: Path) -> None:
    with Processes() as processes:
        children = []
        thread = threading.Thread(
            target=lambda: children.append(processes.start("The family", python(FAMILY), log=tmp_path / "log"))
        )
        thread.start()
        thread.join()
        children[0].await_line("family", 20)
        time.sleep(0.2)
        assert children[0].alive()
    assert gone(children[0].pid)


def test_a_child_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("from an earlier run\n")
    with Processes() as processes:
        child = processes.start("The server", python("print('the disk is full'); raise SystemExit(3)"), log=log)
        with pytest.raises(ProcessError, match=r"The server ended with code 3 before it answered") as caught:
            child.await_http(f"http://127.0.0.1:{free_port()}/", 20)
        with pytest.raises(ProcessError, match=r"ended with code 3 before it was ready"):
            child.await_line("never", 20)
    assert "the disk is full" in str(caught.value)
    assert "earlier run" not in str(caught.value)
    assert str(log) in str(caught.value)
    assert log.read_text().startswith("from an earlier run\n")


def test_a_child_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with Processes() as processes:
        child = processes.start("The server", python("import time; time.sleep(60)"), log=tmp_path / "log")
        with pytest.raises(ProcessError, match=r"did not answer at http://\S+ within 0.3 seconds"):
            child.await_http(f"http://127.0.0.1:{free_port()}/", 0.3)
        with pytest.raises(ProcessError, match=r"was not ready within 0.3 seconds"):
            child.await_line("never", 0.3)
        with pytest.raises(ProcessError, match=r"did not finish within 0.1 seconds"):
            child.wait(0.1)


def test_a_child_that_answers_is_ready(tmp_path: Path) -> None:
    port = free_port()
    with Processes() as processes:
        child = processes.start(
            "The server", [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], log=tmp_path / "log"
        )
        child.await_http(f"http://127.0.0.1:{port}/missing", 20)
        wait_http(f"http://127.0.0.1:{port}/", 5)


def test_a_missing_program_is_said_at_once(tmp_path: Path) -> None:
    with (
        Processes() as processes,
        pytest.raises(ProcessError, match=r"The server could not be started.*no-such-program"),
    ):
        processes.start("The server", ["no-such-program"], log=tmp_path / "log")


def test_environment_folder_and_private_log(tmp_path: Path) -> None:
    with Processes() as processes:
        code = "import os; print('seen', os.environ['SEEN'], os.getcwd())"
        child = processes.start("It", python(code), log=tmp_path / "deep" / "log", env={"SEEN": "yes"}, cwd=tmp_path)
        assert child.wait(20) == 0
        assert child.output() == f"seen yes {tmp_path}\n"
    assert (tmp_path / "deep" / "log").stat().st_mode & 0o777 == 0o600


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Processes():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
