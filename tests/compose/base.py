"""``debian:trixie-slim``: pulled where a registry of images is reached, otherwise made from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.compose.engine import Engine

BASE = "debian:trixie-slim"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
MIRRORS = "etc/apt/apt.conf.d"


def have_base(engine: Engine) -> None:
    """Make sure that the engine has the image on which the project's own stands."""
    if engine.has(BASE) or engine.tried("pull", "--quiet", BASE).returncode == 0:
        return
    with tempfile.TemporaryDirectory(prefix="grdf-base-") as folder:
        root = Path(folder) / "root"
        _call("debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", str(root))
        _trust_what_this_machine_trusts(root)
        for path in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        archive = Path(folder) / "base.tar"
        _call("tar", "-C", str(root), "-cf", str(archive), ".")
        trusted = f"/{CERTIFICATES}"
        engine.run("import", "--change", f"ENV PIP_CERT={trusted} SSL_CERT_FILE={trusted}", str(archive), BASE)


def _trust_what_this_machine_trusts(root: Path) -> None:
    """Let apt and pip in a build reach the registries that this machine reaches, whose certificates may be its own."""
    if Path("/", CERTIFICATES).exists():
        shutil.copyfile(Path("/", CERTIFICATES), root / CERTIFICATES)
    for each in Path("/", MIRRORS).iterdir():
        if "docker" not in each.name and "Acquire::" in each.read_text(encoding="utf-8", errors="replace"):
            shutil.copy(each, root / MIRRORS)


def _call(*command: str) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
