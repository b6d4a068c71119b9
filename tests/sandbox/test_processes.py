"""Child processes end with their parent, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.sandbox.processes import ProcessError, Processes, free_port, port_is_free, require_port

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
PARENT = """
import sys, time
from pathlib import Path
from include.sandbox.processes import Processes
with Processes() as processes:
    child = processes.start("The family", [sys.executable, "-c", sys.argv[1]], log=Path(sys.argv[2]))
    print(*child.await_line(r"family (\\d+) (\\d+)", 20).groups(), flush=True)
    time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


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


def test_ports() -> None:
    require_port(0, purpose="a test", option="--port")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ProcessError, match=rf"^Port {port}, wanted for a test, [^\n]*--port[^\n]*$"):
            require_port(port, purpose="a test", option="--port")
        client = socket.create_connection(("127.0.0.1", port))
        listener.accept()[0].close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    assert [port_is_free(each) for each in (port, free_port(), 70_000)] == [True, True, False]


@pytest.mark.parametrize("error", [False, True])
def test_a_block_ends_its_children_and_theirs(tmp_path: Path, error: bool) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError) if error else contextlib.nullcontext(), Processes() as processes:
        child = processes.start("The family", python(FAMILY), log=tmp_path / "log")
        match = child.await_line(r"family (\d+) (\d+)", 20)
        assert os.getpgid(int(match[2])) == child.pid == int(match[1]) != os.getpgid(0)
        if error:
            raise ZeroDivisionError
    assert gone(child.pid, int(match[2]))
    assert child.returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_who_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    with Processes() as processes:
        child = processes.start("The stubborn one", python(STUBBORN), log=tmp_path / "log")
        child.await_line("ready", 20)
        assert child.stop(0.3) == child.stop() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGHUP, 128 + signal.SIGHUP),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_signals_to_the_parent_end_them(tmp_path: Path, number: signal.Signals, code: int) -> None:
    argv = [*python(PARENT), FAMILY, str(tmp_path / "log")]
    parent = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child, grandchild = (int(pid) for pid in parent.stdout.readline().split())
    parent.send_signal(number)
    parent.communicate(timeout=20)
    assert parent.returncode == code
    assert gone(child)
    if number == signal.SIGKILL:  # the child should end its own children, but this one does not
        os.kill(grandchild, signal.SIGKILL)
    assert gone(grandchild)


def test_what_does_not_come_is_said_with_the_log(tmp_path: Path) -> None:
    log, address = tmp_path / "deep" / "log", f"http://127.0.0.1:{free_port()}/"
    with Processes() as processes:
        slow = processes.start("The server", python("import time; time.sleep(60)"), log=log)
        with pytest.raises(
            ProcessError, match=r"The server took more than 0.3 seconds before it answered at http://\S+"
        ):
            slow.await_http(address, 0.3)
        with pytest.raises(ProcessError, match=r"did not finish within 0.1 seconds"):
            slow.wait(0.1)
        log.write_text("from an earlier run\n")
        code = "import os; print(os.environ['SEEN'], os.getcwd()); raise SystemExit(3)"
        ended = processes.start("The server", python(code), log=log, env={"SEEN": "yes"}, cwd=tmp_path)
        with pytest.raises(ProcessError, match=r"The server ended with code 3 before it was ready") as caught:
            ended.await_line("never", 20)
        missing = processes.start("The server", ["no-such-program"], log=log)
        with pytest.raises(ProcessError, match="no-such-program"):
            missing.await_line("never", 20)
    assert ended.output().startswith(f"yes {tmp_path}\n")
    assert f"yes {tmp_path}" in str(caught.value)
    assert "earlier run" not in str(caught.value)
    assert log.stat().st_mode & 0o777 == 0o600
