"""The embedded CouchDB as a child process."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from include.sandbox.couch.node import install_node_modules, node_binary
from include.sandbox.processes import LOOPBACK, ProcessError, Processes, require_port

START_SECONDS = 30.0

_SERVER = Path(__file__).resolve().parent / "server.js"


class EmbeddedCouch:
    """The embedded CouchDB on loopback, inside the ``with`` block, in a private folder.

    A kill loses no acknowledged write, a power cut maybe the last ones.

    :param port: 0 for a free one
    :param password: of the administrator; ``None`` for a random one kept in the folder
    :param lockout: wrong passwords that lock a login for five minutes, as in CouchDB 3.4 (5 there); 0 for never
    """

    user = "admin"
    """The administrator."""

    def __init__(
        self, data_dir: Path, port: int = 0, *, password: str | None = None, memory: bool = False, lockout: int = 0
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = password or _kept_password(self.data_dir / "password")
        self._memory = memory
        self._lockout = lockout
        self._asked_port = port
        self.processes = Processes()
        self.pid: int | None = None
        """The process id, ``None`` before it has been started."""
        self.url = ""
        """The address, without credentials and without a trailing slash."""

    def __enter__(self) -> EmbeddedCouch:
        """Install missing packages, start the server and wait until it answers."""
        require_port(self._asked_port, purpose="the embedded CouchDB", option="--couch-port")
        settings = {
            "GRDF_COUCH_DIR": str(self.data_dir),
            "GRDF_COUCH_LOCKOUT": str(self._lockout),
            "GRDF_COUCH_MEMORY": "1" if self._memory else "0",
            "GRDF_COUCH_PACKAGES": str(install_node_modules()),
            "GRDF_COUCH_PASSWORD": self.password,
            "GRDF_COUCH_PORT": str(self._asked_port),
            "GRDF_COUCH_USER": self.user,
        }
        claim = self._claim_folder()
        self.processes.__enter__()
        try:
            log, argv = self.data_dir / "couch.log", [node_binary(), _SERVER]
            child = self.processes.start("The embedded CouchDB", argv, log=log, env=settings, pass_fds=(claim,))
            self.url = child.await_line(rf"listening on (http://{LOOPBACK}:\d+)/", START_SECONDS)[1]
            child.await_http(f"{self.url}/_up", START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        finally:
            os.close(claim)  # the server keeps its own copy open
        self.pid = child.pid
        return self

    def __exit__(self, *exception: object) -> None:
        self.processes.__exit__(*exception)

    def _claim_folder(self) -> int:
        """Take the folder's lock, since LevelDB allows one process. The server inherits it until its end."""
        descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise ProcessError(
                f"The folder {self.data_dir} is in use by another embedded CouchDB: stop that one, or choose another "
                "folder with --data."
            ) from None
        return descriptor


def _kept_password(file: Path) -> str:
    """Return the password in the file, created by the first call."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24), encoding="ascii")
    return file.read_text(encoding="ascii")
