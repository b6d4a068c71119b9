"""``./grdf sandbox``: both servers in the foreground, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from include.sandbox.processes import port_is_free

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    *("adict_base", "token_url", "authorize_url", "client_id", "client_secret", "delete_client_id"),
    *("delete_client_secret", "redirect_uri", "couch_url", "couch_user", "couch_password"),
}


def command(*arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "include.sandbox", *arguments]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def running(data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], list[int]]]:
    """Run it, and give its process, its facts and its ports."""
    process = command("--port", "0", "--couch-port", "0", "--data", str(data), *more)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=30)
        facts = json.loads(line)
        ports = [int(facts[key].split(":")[2].split("/")[0]) for key in ("adict_base", "couch_url")]
        yield process, facts, ports
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_answer_and_both_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data", "--redirect-uri", "http://localhost:9/back") as (process, facts, ports):
        assert set(facts) >= KEYS
        assert facts["redirect_uri"] == "http://localhost:9/back"
        query = {"client_id": facts["client_id"], "redirect_uri": "http://localhost:9/back", "state": "x"}
        query |= {"response_type": "code", "scope": "openid"}
        assert requests.get(facts["authorize_url"], params=query, timeout=10).status_code == 200
        auth = (facts["couch_user"], facts["couch_password"])
        assert requests.put(facts["couch_url"] + "/kept", auth=auth, timeout=10).status_code == 201
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert all(map(port_is_free, ports))
    with running(tmp_path / "data") as (_, facts, _):
        assert requests.get(facts["couch_url"] + "/kept", auth=auth, timeout=10).status_code == 200


@pytest.mark.parametrize("option", ["--port", "--couch-port"])
def test_a_taken_port_is_one_line_and_code_2(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = {"--port", "--couch-port"} - {option}
        process = command(option, str(port), *other, "0", "--data", str(tmp_path))
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, len(err.splitlines())) == (2, "", 1)
    assert f"Port {port}" in err
    assert option.removeprefix("--") in err


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lists a process's children, and tells them of its death"
)
@pytest.mark.parametrize("victim", ["server.js", "include.sandbox.adict", ""])
def test_it_does_not_stay_without_a_server_nor_servers_without_it(tmp_path: Path, victim: str) -> None:
    with running(tmp_path) as (process, _, ports):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in [*map(int, children), process.pid]:
            if victim in Path(f"/proc/{pid}/cmdline").read_text() and (victim or pid == process.pid):
                os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, "ended by itself" in err) == ((2, True) if victim else (-signal.SIGKILL, False))
        deadline = time.monotonic() + 10
        while not all(map(port_is_free, ports)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
