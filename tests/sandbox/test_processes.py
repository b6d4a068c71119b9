"""Child processes end with their parent, however it ends, and ``./grdf sandbox`` leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from include.sandbox.processes import ProcessError, Processes, free_port, port_is_free, require_port
from tests.helpers import wait

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
linux_alone = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie that init has not reaped yet has ended
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def gone(*pids: int) -> bool:
    return bool(wait(lambda: not any(map(runs, pids)), "end of the processes", 20))


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
        stubborn = processes.start("The stubborn one", python(STUBBORN), log=tmp_path / "other")
        stubborn.await_line("ready", 20)
        assert stubborn.stop(0.3) == stubborn.stop() == -signal.SIGKILL, "who ignores SIGTERM is killed"
        if error:
            raise ZeroDivisionError
    assert gone(child.pid, int(match[2]))
    assert child.returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_does_not_come_is_said_with_the_log(tmp_path: Path) -> None:
    log, address = tmp_path / "deep" / "log", f"http://127.0.0.1:{free_port()}/"
    with Processes() as processes:
        slow = processes.start("The server", python("import time; time.sleep(60)"), log=log)
        with pytest.raises(ProcessError, match=r"The server took more than 0.3 seconds .* at http://\S+"):
            slow.await_http(address, 0.3)
        with pytest.raises(ProcessError, match=r"did not finish within 0.1 seconds"):
            slow.wait(0.1)
        log.write_text("from an earlier run\n")
        code = "import os; print(os.environ['SEEN'], os.getcwd()); raise SystemExit(3)"
        ended = processes.start("The server", python(code), log=log, env={"SEEN": "yes"}, cwd=tmp_path)
        with pytest.raises(ProcessError, match=r"The server ended with code 3") as caught:
            ended.await_line("never", 20)
    assert (f"yes {tmp_path}" in str(caught.value), "earlier run" in str(caught.value)) == (True, False)
    assert log.stat().st_mode & 0o777 == 0o600


KEYS = {
    "adict_base", "token_url", "authorize_url", "client_id", "client_secret", "delete_client_id",
    "delete_client_secret", "redirect_uri", "couch_url", "couch_user", "couch_password",
}  # fmt: skip


@contextmanager
def sandbox(data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], list[int]]]:
    argv = [sys.executable, "-m", "include.sandbox", "--port", "0", "--couch-port", "0", "--data", str(data), *more]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        ports = [int(facts[key].split(":")[2].split("/")[0]) for key in ("adict_base", "couch_url")]
        yield process, facts, ports
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_both_answer_and_both_end_and_are_kept(tmp_path: Path) -> None:
    method, status = requests.put, 201
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with sandbox(tmp_path / "data", "--redirect-uri", "http://localhost:9/back") as (process, facts, ports):
            assert set(facts) >= KEYS
            query = {"client_id": facts["client_id"], "redirect_uri": "http://localhost:9/back", "state": "x"}
            query |= {"response_type": "code", "scope": "openid"}
            assert requests.get(facts["authorize_url"], params=query, timeout=10).status_code == 200
            auth = (facts["couch_user"], facts["couch_password"])
            assert method(facts["couch_url"] + "/kept", auth=auth, timeout=10).status_code == status
            process.send_signal(number)
            process.communicate(timeout=30)
            assert process.returncode == 0
            assert all(map(port_is_free, ports))
        method, status = requests.get, 200


@linux_alone
@pytest.mark.parametrize("victim", ["server.js", "include.sandbox.adict", ""])
def test_it_does_not_stay_without_a_server_nor_servers_without_it(tmp_path: Path, victim: str) -> None:
    with sandbox(tmp_path) as (process, _, ports):
        here = psutil.Process(process.pid)
        (each,) = [each for each in here.children() if victim in " ".join(each.cmdline())] if victim else [here]
        each.kill()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, "ended by itself" in err) == ((2, True) if victim else (-signal.SIGKILL, False))
        wait(lambda: all(map(port_is_free, ports)), "free ports", 20)
