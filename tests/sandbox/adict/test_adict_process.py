"""What a restart of the sandbox keeps, even after a kill, and what it never keeps."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.sandbox.conftest import NOON

PCE = "09999990001000"
BACK = ("--redirect-uri", "http://127.0.0.1:1/cb")


def test_a_kill_loses_nothing_and_no_token_nor_code_is_in_the_file(start: Any, tmp_path: Path) -> None:
    first = start(tmp_path, *BACK)
    first.control.set_clock(NOON)
    first.control.set(id_token_alg="RS256", code_lifetime_s=600)
    right = first.control.consent([PCE])[0]
    first.control.correct(PCE, "2026-05-02", 99)
    token, code, used = first.token(), first.consent()["code"], first.consent()["code"]
    assert first.exchange(used).status_code == 200
    lines, settings = first.daily_lines(PCE, "2026-05-01", "2026-06-01"), first.control.settings()
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    state = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [secret for secret in (code, used, token) if secret.encode() in state] == []
    again = start(tmp_path, *BACK)
    assert (str(again.control.today()), again.control.settings()) == ("2026-06-20", settings)
    assert right in again.control.consents()
    assert again.daily(PCE, "2026-05-01", "2026-06-01", token).status_code == 200
    assert again.daily_lines(PCE, "2026-05-01", "2026-06-01") == lines
    assert again.exchange(used).json()["error"] == "invalid_grant"
    assert again.exchange(code).status_code == 200
