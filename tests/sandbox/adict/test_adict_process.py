"""The sandbox process: what a restart keeps, and how it starts and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt

ROOT = Path(__file__).resolve().parents[3]
PCE = "09999990001000"


def test_restart_keeps_everything(fresh_start: Any, tmp_path: Path) -> None:
    first = fresh_start(tmp_path, "--now", "2026-06-20T12:00:00+02:00", "--redirect-uri", "http://127.0.0.1:1/cb")
    first.control.set(id_token_alg="RS256", code_lifetime_s=600)
    right = first.control.consent([PCE])[0]
    first.control.correct(PCE, "2026-05-02", 99)
    first.control.set_quirks(PCE, lines={"missing": ["2026-05-03"]})
    token = first.token()
    code, used = first.consent()["code"], first.consent()["code"]
    assert first.exchange(used).status_code == 200
    lines = first.daily_lines(PCE, "2026-05-01", "2026-06-01")
    log = first.control.log()
    settings = first.control.settings()
    key = jwt.PyJWKClient(first.facts["jwks_url"]).get_signing_keys()[0].key_id
    assert first.stop() == 0

    again = fresh_start(tmp_path, "--redirect-uri", "http://127.0.0.1:1/cb")
    assert again.facts["redirect_uri"] == "http://127.0.0.1:1/cb"
    assert str(again.control.today()) == "2026-06-20"
    assert again.control.log()[: len(log)] == log
    assert again.control.settings() == settings
    assert again.daily(PCE, "2026-05-01", "2026-06-01", token).status_code == 200
    assert again.daily_lines(PCE, "2026-05-01", "2026-06-01") == lines
    assert right["id_droit_acces"] in [line["id_droit_acces"] for line in again.control.consents()]
    assert again.exchange(used).json()["error"] == "invalid_grant"
    assert again.exchange(code).status_code == 200
    assert jwt.PyJWKClient(again.facts["jwks_url"]).get_signing_keys()[0].key_id == key


def test_killed_process_loses_nothing(fresh_start: Any, tmp_path: Path) -> None:
    first = fresh_start(tmp_path)
    right = first.control.consent([PCE])[0]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    first.process.stdout.close()
    again = fresh_start(tmp_path)
    assert again.control.consents() == [right]


def test_state_file_holds_no_token_nor_code(fresh_start: Any, tmp_path: Path) -> None:
    running = fresh_start(tmp_path)
    code, token = running.consent()["code"], running.token()
    running.stop()
    state = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert code.encode() not in state
    assert token.encode() not in state


def test_shift_stays_when_time_goes_on(fresh_start: Any, tmp_path: Path) -> None:
    first = fresh_start(tmp_path, "--now", "2026-01-10T12:00:00+01:00")
    assert first.control.settings()["real_shift_years"] == 4
    first.stop()
    again = fresh_start(tmp_path, "--now", "2027-06-10T12:00:00+02:00")
    assert again.control.settings()["real_shift_years"] == 4


def test_hundreds_of_idle_connections_block_nobody(fresh_start: Any, tmp_path: Path) -> None:
    running = fresh_start(tmp_path)
    port = int(urlsplit(running.facts["adict_base"]).port or 0)
    with ExitStack() as idle:
        for _ in range(300):
            idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        assert running.token()


def test_a_code_pays_once_however_many_try_at_once(fresh_start: Any, tmp_path: Path) -> None:
    running = fresh_start(tmp_path)
    code = running.consent()["code"]
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: running.exchange(code).status_code, range(8)))
    assert statuses == [200] + [400] * 7


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "include.sandbox.adict", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_taken_port_is_one_clear_line(fresh_start: Any, tmp_path: Path) -> None:
    port = fresh_start(tmp_path).facts["adict_base"].split(":")[2].split("/")[0]
    other = run("--data", str(tmp_path / "other"), "--port", port)
    assert other.returncode == 2
    assert other.stderr.count("\n") == 1
    assert port in other.stderr
    assert not (tmp_path / "other").exists()


def test_unusable_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    answer = run("--data", str(tmp_path / "file"))
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    (tmp_path / "adict.sqlite3").write_text("this is no database, but long enough to be read as a header")
    assert run("--data", str(tmp_path)).returncode == 2
