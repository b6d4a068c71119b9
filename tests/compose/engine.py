"""A Docker engine: the one that runs on this machine, or one that is started here and stopped by its pid."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.sandbox.processes import Processes

PROGRAMS = ("docker", "dockerd", "iptables", "debootstrap")
INSTALL = "apt-get install docker.io docker-cli docker-compose iptables debootstrap"
START_SECONDS = 120.0
BUILD_SECONDS = 1800.0


class EngineError(AssertionError):
    """Docker refused something; the text ends with what it said."""


def engine_missing() -> str:
    """Return why there can be no engine here, and what to install; ``""`` if there can be one."""
    if answers(None):
        return ""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"a Docker engine ({INSTALL})"
    return "" if os.geteuid() == 0 else "a Docker engine that runs (only root can start one)"


def answers(host: str | None) -> bool:
    """Return whether an engine answers.

    :param host: its address, ``None`` for the one that the environment names
    """
    if shutil.which("docker") is None:
        return False
    at = () if host is None else ("--host", host)
    # "docker info" succeeds without an engine, too.
    asked = ["docker", *at, "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, capture_output=True, check=False, timeout=60).returncode == 0


class Engine:
    """A Docker engine.

    :param processes: stops the engine, if it is one of ours
    :param folder: where an engine of ours keeps its images from one run of the tests to the next
    """

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.host: str | None = None
        if answers(None):
            return
        folder.mkdir(parents=True, exist_ok=True)
        run = tempfile.mkdtemp(prefix="grdf-docker-")  # sockets, whose paths must be short
        self.host = f"unix://{run}/docker.sock"
        child = processes.start(
            "dockerd",
            [
                *("dockerd", "--host", self.host, "--data-root", str(folder / "data")),
                *("--exec-root", f"{run}/run", "--pidfile", f"{run}/docker.pid"),
                # The default has room for 31 networks, and an engine that was killed leaves its own behind.
                *("--default-address-pool", "base=10.128.0.0/9,size=24"),
            ],
            log=folder / "dockerd.log",
        )
        child.await_line("API listen on", START_SECONDS)

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = BUILD_SECONDS,
        stdin: bytes | None = None,
    ) -> str:
        """Run ``docker`` with these arguments, and return what it printed.

        :param cwd: the folder in which it runs
        :param env: added to the environment
        :param seconds: time limit
        :raises EngineError: if it fails
        """
        done = self.tried(*arguments, cwd=cwd, env=env, seconds=seconds, stdin=stdin)
        if done.returncode:
            raise EngineError(f"docker {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
        return done.stdout

    def tried(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = BUILD_SECONDS,
        stdin: bytes | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``docker`` with these arguments, and return what came of it, even if it fails."""
        at = {} if self.host is None else {"DOCKER_HOST": self.host}
        done = subprocess.run(
            ["docker", *arguments],
            cwd=cwd,
            env=os.environ | at | dict(env or {}),
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
            timeout=seconds,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def has(self, image: str) -> bool:
        """Return whether there is an image of this name."""
        return self.tried("image", "inspect", image).returncode == 0

    def build(self, image: str, context: Path, *options: str, arguments: Sequence[str] = ()) -> None:
        """Build an image.

        :param context: the folder with its ``Dockerfile``
        :param options: options of ``docker build``
        :param arguments: build arguments, as ``NAME=value``
        """
        given = [part for each in arguments for part in ("--build-arg", each)]
        self.run("build", "--network", "host", "--tag", image, *options, *given, str(context))
