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
    """The embedded CouchDB cannot be started as requested. The message is one line that says what to do."""


class EmbeddedCouch:
    """The embedded CouchDB on loopback, for the demo, development and tests.

    As a context manager it runs inside the block. Its databases, password and log are in one folder that only the owner
    can read. Acknowledged writes survive if the process is killed; a power cut may lose the last ones.

    :param data_dir: the folder for everything; created if missing
    :param port: the loopback port; ``None`` or 0 for a free one, which changes at each start
    :param user: name of the server administrator; other users are documents in ``_users``, as in CouchDB
    :param password: the administrator's password; ``None`` for a random one that is kept in the folder
    :param memory: keep the databases in memory only
    :param lockout: number of wrong passwords after which a login is locked for five minutes, as in CouchDB 3.4 (there
        it is 5); 0 for never
    :param packages: folder for the npm packages; see :func:`install_node_modules`
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
        """The port on which it listens, 0 before the first start."""
        return self._port

    @property
    def url(self) -> str:
        """The address, without credentials and without a trailing slash."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def password(self) -> str:
        """The administrator's password.

        :raises OSError: if the password file cannot be read or created
        """
        if self._password is None:
            self._make_folder()
            self._password = _kept_password(self.data_dir / "password")
        return self._password

    @property
    def pid(self) -> int | None:
        """The process id, ``None`` unless it has been started."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether it has been started and has not exited."""
        return self._child is not None and self._child.alive()

    @property
    def log(self) -> Path:
        """The log file."""
        return self.data_dir / "couch.log"

    def start(self) -> None:
        """Install missing packages, start the server and wait until it answers. Do nothing if it is running.

        :raises NodeError: if there is no Node.js, or its packages cannot be installed
        :raises PortTaken: if another program is listening on the port
        :raises CouchError: if another embedded CouchDB is using the folder
        :raises ProcessError: if the server did not start; the message shows the end of its log
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
                os.close(claim)  # the server keeps its own copy open
        self._port, self._processes, self._child = int(ready[1]), processes, child

    def stop(self) -> None:
        """Stop the server. Do nothing if it is not running."""
        if self._processes is not None:
            self._processes.stop()
        self._processes = self._child = None

    def _make_folder(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _claim_folder(self) -> int:
        """Take the folder's lock, because LevelDB allows only one process and would fail only at the first database.

        The server inherits the open file, and with it the lock. So the lock is released when the server ends, and not
        before.
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
    """Return the password in the file. The first call creates it, atomically."""
    if not file.exists():
        draft = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as text:
                text.write(secrets.token_urlsafe(24))
            # Linking fails if the file exists. So two processes at once both get the password of the first one.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text("ascii").strip()
