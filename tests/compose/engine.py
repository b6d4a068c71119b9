"""A Docker engine, this machine's or one that is started here and stopped by its pid, and the images of the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from include.sandbox.couch.node import install_node_modules
from include.sandbox.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROGRAMS = ("docker", "dockerd", "iptables", "debootstrap")
INSTALL = "apt-get install docker.io docker-cli docker-compose iptables debootstrap"
BUILD_SECONDS = 1800.0

BASE, AIRFLOW, SERVERS = "debian:trixie-slim", "grdf-test-airflow", "grdf-test-servers"
SANDBOX_PACKAGES = ("authlib", "joserfc", "waitress")
"""What the sandbox imports and the project's image does not have."""
CERTIFICATES, MIRRORS = "etc/ssl/certs/ca-certificates.crt", "etc/apt/apt.conf.d"


def engine_missing() -> str:
    if _answers():
        return ""
    if any(shutil.which(name) is None for name in PROGRAMS):
        return f"a Docker engine ({INSTALL})"
    return "" if os.geteuid() == 0 else "a Docker engine that runs (only root can start one)"


def _answers() -> bool:
    # "docker info" succeeds without an engine, too.
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return bool(shutil.which("docker")) and _code(asked) == 0


def _code(command: list[str]) -> int:
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


class Engine:
    def __init__(self, processes: Processes, folder: Path) -> None:
        self.env: dict[str, str] = {}
        if _answers():
            return
        folder.mkdir(parents=True, exist_ok=True)
        run = tempfile.mkdtemp(prefix="grdf-docker-")  # paths of sockets must be short
        self.env["DOCKER_HOST"] = host = f"unix://{run}/docker.sock"
        places = ("--data-root", str(folder / "data"), "--exec-root", f"{run}/run", "--pidfile", f"{run}/docker.pid")
        # The default has room for 31 networks, and an engine that was killed leaves its own behind.
        networks = ("--default-address-pool", "base=10.128.0.0/9,size=24")
        command = ["dockerd", "--host", host, *places, *networks]
        processes.start("dockerd", command, log=folder / "dockerd.log").await_line("API listen on", 120)

    def run(self, *arguments: str, **how: Any) -> str:
        done = self.tried(*arguments, **how)
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    def tried(
        self, *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments], cwd=cwd, env=os.environ | self.env | (env or {}), stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=BUILD_SECONDS,
        )  # fmt: skip


def build_images(engine: Engine, folder: Path) -> None:
    if engine.tried("image", "inspect", BASE).returncode and engine.tried("pull", "--quiet", BASE).returncode:
        _make_base(engine, folder / "base")
    engine.run("build", "--network", "host", "--tag", AIRFLOW, str(ROOT))
    servers, sandbox = folder / "servers", ROOT / "include" / "sandbox"
    no_code, no_packages = (
        shutil.ignore_patterns("*.py", "__pycache__"),
        shutil.ignore_patterns("__pycache__", "node_modules"),
    )
    shutil.copytree(HERE / "servers", servers)
    shutil.copytree(sandbox / "couch", servers / "couch", ignore=no_code)
    shutil.copytree(install_node_modules() / "node_modules", servers / "couch" / "node_modules", symlinks=True)
    shutil.copytree(ROOT / "include", servers / "include", ignore=no_packages)
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    found = [re.findall(rf"(?m)^{name}==(?:.*\\\n)*.*\n", lock)[0] for name in SANDBOX_PACKAGES]
    (servers / "requirements.txt").write_text("".join(found), encoding="utf-8")
    engine.run("build", "--network", "host", "--tag", SERVERS, "--build-arg", f"AIRFLOW={AIRFLOW}", str(servers))


def _make_base(engine: Engine, folder: Path) -> None:
    """Make Debian's image from Debian's packages, with this machine's registries and certificates for builds."""
    root, archive, trusted = folder / "root", folder / "base.tar", f"/{CERTIFICATES}"
    folder.mkdir()
    _call("debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", str(root))
    if Path(trusted).exists():
        shutil.copyfile(trusted, root / CERTIFICATES)
    for each in Path("/", MIRRORS).iterdir():
        if "docker" not in each.name and "Acquire::" in each.read_text(encoding="utf-8", errors="replace"):
            shutil.copy(each, root / MIRRORS)
    left_out = ("--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*")
    _call("tar", "-C", str(root), *left_out, "-cf", str(archive), ".")
    engine.run("import", "--change", f"ENV PIP_CERT={trusted} SSL_CERT_FILE={trusted}", str(archive), BASE)
    shutil.rmtree(folder)


def _call(*command: str) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
