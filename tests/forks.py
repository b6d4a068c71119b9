"""A Python process that has imported Airflow once and runs each piece of code in a fork of itself.

Importing Airflow takes about two seconds of CPU time. A fork has everything imported already, has its own environment,
and does not affect the others. Code that depends on how a process starts needs a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

SERVER = """
import atexit, json, os, sys, tempfile, traceback
answers = os.fdopen(int(sys.argv[2]), "w", buffering=1)
exec(sys.argv[1])
for line in sys.stdin:
    asked = json.loads(line)
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                answers.close()
                os.environ.update(asked["env"])
                os.chdir(asked["cwd"])
                sys.argv = asked["argv"]
                exec(compile(asked["code"], "<forked>", "exec"), {"__name__": "__main__"})
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
            except BaseException:
                traceback.print_exc()
            finally:
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
        answers.write(json.dumps([os.waitstatus_to_exitcode(status), text]) + "\\n")
"""
AIRFLOW = """
import warnings
warnings.simplefilter("ignore")
import airflow.__main__
import airflow.cli.cli_parser
import airflow.dag_processing.dagbag
import airflow.jobs.scheduler_job_runner
import airflow.providers.amazon.aws.assets.s3
"""
"""Modules that ``airflow`` itself imports for most of its commands."""


class Forks:
    """The process that is forked.

    :param imports: code to run first
    :param env: variables added to this process's environment
    """

    def __init__(self, imports: str, env: Mapping[str, str] | None = None) -> None:
        into, out = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SERVER, imports, str(out)],
            stdin=subprocess.PIPE, pass_fds=(out,), env=os.environ | dict(env or {}), text=True,
        )  # fmt: skip
        os.close(out)
        self._answers = os.fdopen(into, encoding="utf-8")

    def run(
        self, code: str, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run code in a fork. The result's ``stdout`` contains what it printed on both streams.

        :param arguments: ``sys.argv``
        :param env: variables added to the process's environment
        :param cwd: working directory; by default this process's
        """
        asked = {"code": code, "argv": ["-c", *arguments], "env": dict(env or {}), "cwd": str(cwd or Path.cwd())}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        assert line, "the process has ended"
        status, text = json.loads(line)
        return subprocess.CompletedProcess([*arguments], status, text, "")

    def airflow(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``airflow`` with some arguments in a fork."""
        code = 'import sys; sys.argv[0] = "airflow"; from airflow.__main__ import main; main()'
        return self.run(code, *arguments, env=env, cwd=cwd)

    def __enter__(self) -> Forks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._answers.close()
