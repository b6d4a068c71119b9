"""``python -m include.sandbox``: both servers in the foreground, nothing left behind."""

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
    return subprocess.Popen(
        [sys.executable, "-m", "include.sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    process = command("--port", "0", "--couch-port", "0", "--data", str(data), *more)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=30)
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def ports(facts: dict[str, str]) -> list[int]:
    return [int(facts[key].split(":")[2].split("/")[0]) for key in ("adict_base", "couch_url")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_answer_and_both_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data", "--redirect-uri", "http://localhost:9/back") as (process, facts):
        assert set(facts) >= KEYS
        assert facts["redirect_uri"] == "http://localhost:9/back"
        auth = (facts["couch_user"], facts["couch_password"])
        assert requests.get(facts["couch_url"] + "/_all_dbs", auth=auth, timeout=10).json() == []
        assert requests.get(facts["couch_url"] + "/_all_dbs", timeout=10).status_code == 401
        token = requests.post(
            facts["token_url"],
            data={
                "grant_type": "client_credentials",
                "client_id": facts["client_id"],
                "client_secret": facts["client_secret"],
                "scope": "/adict/v2",
            },
            timeout=10,
        )
        assert token.json()["access_token"]
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert all(port_is_free(port) for port in ports(facts))


def test_data_outlives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as (_, facts):
        auth = (facts["couch_user"], facts["couch_password"])
        assert requests.put(facts["couch_url"] + "/kept", auth=auth, timeout=10).status_code == 201
    with running(tmp_path) as (_, facts):
        assert requests.get(facts["couch_url"] + "/kept", auth=auth, timeout=10).status_code == 200


@pytest.mark.parametrize("option", ["--port", "--couch-port"])
def test_a_taken_port_is_one_line_and_code_2(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = {"--port", "--couch-port"} - {option}
        process = command(option, str(port), *other, "0", "--data", str(tmp_path))
        out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert f"Port {port}" in err
    assert option in err


def test_a_folder_in_use_is_one_line_and_code_2(tmp_path: Path) -> None:
    with running(tmp_path):
        second = command("--port", "0", "--couch-port", "0", "--data", str(tmp_path))
        out, err = second.communicate(timeout=30)
        assert (second.returncode, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert "--data" in err


def test_it_does_not_stay_without_its_couchdb(tmp_path: Path) -> None:
    with running(tmp_path) as (process, facts):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("only Linux lists a process's children")
        for pid in map(int, children.read_text().split()):
            if "server.js" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 2
        assert "CouchDB ended by itself" in err
        assert all(port_is_free(port) for port in ports(facts))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_killed_outright_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as (process, facts):
        process.kill()
        deadline = time.monotonic() + 10
        while not all(map(port_is_free, ports(facts))) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert all(map(port_is_free, ports(facts)))


@pytest.mark.parametrize("value", ["x", "-1", "65536"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    process = command(f"--port={value}")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "invalid port value" in err
