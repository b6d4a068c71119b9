"""What is specific to the embedded CouchDB: its process, folder and password."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests

from include.sandbox.couch import CouchError, EmbeddedCouch, node_binary
from include.sandbox.processes import PortTaken, port_is_free

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "couch"


def session(couch: EmbeddedCouch) -> requests.Session:
    opened = requests.Session()
    opened.trust_env, opened.auth = False, (couch.user, couch.password)
    return opened


def test_a_restart_keeps_data_and_password(folder: Path) -> None:
    with EmbeddedCouch(folder) as couch, session(couch) as http:
        first = couch.password
        for name in ("plain", "prefix%2Fio-cozy-accounts"):
            assert http.put(f"{couch.url}/{name}", timeout=10).status_code == 201
            assert http.put(f"{couch.url}/{name}/a:1", json={"load": 60}, timeout=10).status_code == 201
    with EmbeddedCouch(folder) as couch, session(couch) as http:
        assert couch.password == first
        assert http.get(f"{couch.url}/_all_dbs", timeout=10).json() == ["plain", "prefix/io-cozy-accounts"]
        for name in ("plain", "prefix%2Fio-cozy-accounts"):
            assert http.get(f"{couch.url}/{name}/a:1", timeout=10).json()["load"] == 60


def test_memory_keeps_nothing_but_the_password(folder: Path) -> None:
    with EmbeddedCouch(folder, memory=True) as couch, session(couch) as http:
        first = couch.password
        assert http.put(f"{couch.url}/plain", timeout=10).status_code == 201
    with EmbeddedCouch(folder, memory=True) as couch, session(couch) as http:
        assert couch.password == first
        assert http.get(f"{couch.url}/_all_dbs", timeout=10).json() == []


def test_the_folder_is_private_and_the_password_nowhere_else(folder: Path) -> None:
    with EmbeddedCouch(folder) as couch:
        assert len(couch.password) >= 24
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        command = subprocess.run(
            ["ps", "-o", "args=", "-p", str(couch.pid)], capture_output=True, text=True, check=False
        ).stdout
        assert couch.password not in command
        assert couch.password not in couch.url
    assert couch.password not in couch.log.read_text()


def test_a_password_of_the_caller_is_taken_and_not_kept(folder: Path) -> None:
    with EmbeddedCouch(folder, user="someone", password="s3cret é:") as couch:
        auth = (b"someone", "s3cret é:".encode())
        assert requests.get(couch.url, auth=auth, timeout=10).status_code == 200
        assert requests.get(couch.url, auth=("admin", "s3cret"), timeout=10).status_code == 401
    assert not (folder / "password").exists()


def test_no_server_without_a_password(folder: Path) -> None:
    with pytest.raises(CouchError, match="never runs without"):
        EmbeddedCouch(folder, password="")
    server = ROOT / "include" / "sandbox" / "couch" / "server.js"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRDF_COUCH_")}
    run = subprocess.run(
        [node_binary(), server], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 2
    assert "never runs without a password" in run.stderr


def test_it_listens_on_loopback_only(folder: Path) -> None:
    with EmbeddedCouch(folder) as couch:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing, only finds out which address the machine would use
                address = probe.getsockname()[0]
            except OSError:
                pytest.skip("this machine has no address but loopback")
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, couch.port), timeout=5)


def test_a_taken_port_is_said_in_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"^Port {port}, .*--couch-port"):
            EmbeddedCouch(folder, port).start()
    with EmbeddedCouch(folder, port) as couch:  # and the port is free afterwards
        assert couch.url == f"http://127.0.0.1:{port}"


def test_one_server_a_folder(folder: Path) -> None:
    with EmbeddedCouch(folder) as couch:
        couch.start()  # is already running
        with pytest.raises(CouchError, match="in use by another embedded CouchDB"):
            EmbeddedCouch(folder).start()
    with EmbeddedCouch(folder):
        pass


def test_sigterm_ends_it_with_0_while_clients_are_connected(folder: Path) -> None:
    with EmbeddedCouch(folder) as couch, session(couch) as http:
        http.put(f"{couch.url}/plain", timeout=10)
        feed = http.get(
            f"{couch.url}/plain/_changes", params={"feed": "continuous", "heartbeat": 100}, stream=True, timeout=10
        )
        assert couch.pid is not None
        child = couch._child  # the exit code is not public
        assert child is not None
        os.kill(couch.pid, signal.SIGTERM)
        assert child.wait(10) == 0
        feed.close()
        assert not couch.running


def test_a_killed_server_loses_nothing_it_acknowledged(folder: Path) -> None:
    acknowledged: dict[str, str] = {}
    for round_ in range(3):
        with EmbeddedCouch(folder) as couch:
            threads = [
                threading.Thread(target=write_until_it_ends, args=(couch, f"{round_}:{n}", acknowledged))
                for n in (1, 2)
            ]
            for thread in threads:
                thread.start()
            time.sleep(0.6)
            assert couch.pid is not None
            os.kill(couch.pid, signal.SIGKILL)
            for thread in threads:
                thread.join(20)
    assert len(acknowledged) > 100
    with EmbeddedCouch(folder) as couch, session(couch) as http:
        rows = http.get(f"{couch.url}/kept/_all_docs", timeout=30).json()["rows"]
        stored = {row["id"]: row["value"]["rev"] for row in rows}
    assert acknowledged.items() <= stored.items()
    batches = [key.rsplit(":", 1)[0] for key in stored if key.startswith("batch")]
    assert {batches.count(batch) for batch in batches} == {20}, "a batch is written whole or not at all"


def write_until_it_ends(couch: EmbeddedCouch, tag: str, acknowledged: dict[str, str]) -> None:
    with session(couch) as http:
        try:
            http.put(f"{couch.url}/kept", timeout=10)
            for n in range(100_000):
                row = http.put(f"{couch.url}/kept/one:{tag}:{n}", json={"n": n}, timeout=10).json()
                acknowledged[row["id"]] = row["rev"]
                docs = [{"_id": f"batch:{tag}:{n}:{m}"} for m in range(20)]
                for row in http.post(f"{couch.url}/kept/_bulk_docs", json={"docs": docs}, timeout=10).json():
                    acknowledged[row["id"]] = row["rev"]
        except requests.RequestException:
            return


def test_the_port_is_free_after_stop(folder: Path) -> None:
    couch = EmbeddedCouch(folder)
    couch.start()
    port = couch.port
    couch.stop()
    couch.stop()
    assert port_is_free(port)
