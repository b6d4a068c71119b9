"""The tests' side of the worker: start it, send requests, and read what it has logged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
USUAL = {"AIRFLOW__GRDF__RETRIES": "0"}
"""No retries, because ``dag.test()`` would wait for them. Tests of retries set their own."""
AT_DEBUG = {
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": "tests.runs.debug_logging.LOGGING_CONFIG",
}


class Worker:
    def __init__(self, log: Path) -> None:
        self.log = log
        into, out = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "tests.runs.worker", str(out)],
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, pass_fds=(out,), cwd=ROOT, text=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins")))},
            )  # fmt: skip
        os.close(out)
        self._answers = os.fdopen(into, encoding="utf-8")

    def ask(self, do: str, env: Mapping[str, str], **arguments: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "env": USUAL | dict(env), **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        assert line, f"The worker ended; its log:\n{self.log.read_text(errors='replace')[-3000:]}"
        reply = json.loads(line)
        assert "failure" not in reply, reply["failure"]
        return reply["answer"]

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
