"""The embedded CouchDB as a child process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType

from include.sandbox.couch.node import install_node_modules, node_binary
from include.sandbox.processes import LOOPBACK, Child, ProcessError, Processes, require_port, signals_as_exit

START_SECONDS = 30.0

_SERVER = Path(__file__).resolve().parent / "server.js"


class CouchError(ProcessError):
    """The embedded CouchDB cannot be started as asked; the message is one line that says what to do."""


class EmbeddedCouch:
    """A CouchDB of our own on loopback, for demo, development and tests.

    As a context manager it runs inside the block. Its databases, its password and its log stand in one folder, which
    nobody else may read. What it acknowledged survives a killed process; a power cut may take the last writes.

    :param data_dir: the folder that keeps everything; made when missing
    :param port: the loopback port; None or 0 takes a free one, a new one at each start
    :param user: the server administrator's name; members are made as on CouchDB, by documents in ``_users``
    :param password: its password; None takes the folder's own, random and made at the first start
    :param memory: keep the databases in memory only
    :param lockout: wrong passwords after which a login is locked for five minutes, as by CouchDB 3.4 (5 there); 0 for
        never
    :param packages: where the npm packages are or shall be; see :func:`install_node_modules`
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        user: str = "admin",
        password: str | None = None,
        memory: bool = False,
        *,
        lockout: int = 0,
        packages: Path | None = None,
    ) -> None:
        if password is not None and not password:
            raise CouchError("The embedded CouchDB's password is empty: it never runs without one.")
        if not user or ":" in user:
            raise CouchError(f"The embedded CouchDB's user is {user!r}: give a name without a colon.")
        self.data_dir = Path(data_dir).resolve()
        self.user = user
        self._password = password
        self._memory = memory
        self._lockout = lockout
        self._packages = packages
        self._asked_port = port or 0
        self._port = 0
        self._processes: Processes | None = None
        self._child: Child | None = None
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> EmbeddedCouch:
        self._signals.enter_context(signals_as_exit())
        try:
            self.start()
        except BaseException:
            self._signals.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._signals:
            self.stop()

    @property
    def port(self) -> int:
        """The port it listens on, 0 before the first start."""
        return self._port

    @property
    def url(self) -> str:
        """Its address, without credentials and without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def password(self) -> str:
        """The account's password.

        :raises OSError: when the folder's password cannot be read or made
        """
        if self._password is None:
            self._make_folder()
            self._password = _kept_password(self.data_dir / "password")
        return self._password

    @property
    def pid(self) -> int | None:
        """Its process id while it is started."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.alive()

    @property
    def log(self) -> Path:
        """Its log file."""
        return self.data_dir / "couch.log"

    def start(self) -> None:
        """Install what is missing, start it and wait until it answers. Does nothing when it runs.

        :raises NodeError: no Node.js, or its packages cannot be installed
        :raises PortTaken: another program listens on the port
        :raises CouchError: another embedded CouchDB has the folder
        :raises ProcessError: it did not start; the message shows the end of its log
        """
        if self.running:
            return
        self.stop()
        require_port(self._asked_port, purpose="the embedded CouchDB", option="--couch-port")
        packages = install_node_modules(self._packages)
        self._make_folder()
        settings = {
            "GRDF_COUCH_DIR": str(self.data_dir),
            "GRDF_COUCH_LOCKOUT": str(self._lockout),
            "GRDF_COUCH_MEMORY": "1" if self._memory else "0",
            "GRDF_COUCH_PACKAGES": str(packages),
            "GRDF_COUCH_PASSWORD": self.password,
            "GRDF_COUCH_PORT": str(self._asked_port),
            "GRDF_COUCH_USER": self.user,
        }
        processes = Processes()
        claim = None if self._memory else self._claim_folder()
        try:
            child = processes.start(
                "The embedded CouchDB",
                [node_binary(), _SERVER],
                log=self.log,
                env=settings,
                pass_fds=() if claim is None else (claim,),
            )
            ready = child.await_line(rf"listening on http://{LOOPBACK}:(\d+)/ \(pid {child.pid},", START_SECONDS)
            child.await_http(f"http://{LOOPBACK}:{ready[1]}/_up", START_SECONDS)
        except BaseException:
            processes.stop()
            raise
        finally:
            if claim is not None:
                os.close(claim)  # the server holds it from now on
        self._port, self._processes, self._child = int(ready[1]), processes, child

    def stop(self) -> None:
        """End it. Does nothing when it does not run."""
        if self._processes is not None:
            self._processes.stop()
        self._processes = self._child = None

    def _make_folder(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _claim_folder(self) -> int:
        """Take the folder's lock: LevelDB allows one process, and would complain only at the first database.

        The server inherits the open file and with it the lock, so that it is free when, and only when, it ended.
        """
        descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise CouchError(
                f"The folder {self.data_dir} is in use by another embedded CouchDB: stop that one, or choose another "
                "folder with --data."
            ) from None
        return descriptor


def _kept_password(file: Path) -> str:
    """Return the password in the file, made and written at the first call (whole, or not at all)."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as text:
                text.write(secrets.token_urlsafe(24))
            # A link is refused when there is a file: of two processes at once, both get the first one's password.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text("ascii").strip()
