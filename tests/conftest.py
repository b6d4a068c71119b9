"""What the tests of the Airflow side share: one outside world and one Airflow home per session, started on first use.

Airflow reads its settings when it is imported, so its home is chosen here, before any test module is.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import secrets
import shutil
import signal
import sqlite3
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import requests

from tests.helpers import MemoryShelf
from tests.masks import forget_masks

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(tempfile.mkdtemp(prefix="grdf-tests-"))
SETTINGS = {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": (  # so dags/grdf_accounts.py asks for the accounts
        '[{"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}]'
    ),
}
if "airflow" in sys.modules:
    raise RuntimeError("Airflow was imported before tests/conftest.py chose its home: a pytest plugin imports it.")
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__GRDF__"))]:
    del os.environ[_name]  # the caller's own servers and settings are none of a test's business
os.environ |= SETTINGS
# Outside a task there are no Variables but those in the environment. Whole Airflows (tests/stacks.py) make their own.
os.environ["AIRFLOW_VAR_GRDF_METER_SECRET"] = "a secret of the tests"

# Airflow's modules are a million objects that stay. With Python's default (2000), a sixteenth of the time goes into
# looking through them again.
gc.set_threshold(100_000)

# How long an example takes says how busy the machine is, and nothing about what is tested.
hypothesis.settings.register_profile("grdf", deadline=None)
hypothesis.settings.load_profile("grdf")

# urllib3 names addresses at its level DEBUG, and so meters: docs/security.md advises INFO where all else is at DEBUG.
logging.getLogger("urllib3").setLevel(logging.INFO)

_numbers = itertools.count(1)
_running: list[LocalWorld] = []
_last: dict[str, Path] = {}
"""File and folder of the last test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lives", type=int, help="simulate so many random lives of households (tests/model)")
    parser.addoption("--year", action="store_true", help="simulate a year of sixty households (tests/model/year)")
    parser.addoption("--life-seed", type=int, help="the seed of these lives or year, as an earlier run printed it")


def pytest_configure(config: pytest.Config) -> None:
    # Airflow's own, on reading .airflowignore; nothing that this project can mend.
    config.addinivalue_line("filterwarnings", "ignore:GitWildMatchPattern:DeprecationWarning")
    # Started by nohup or in the background of a script, this process ignores signals, and so would all its children,
    # among them those whose end by a signal is tested.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the whole Airflow, so that ``./grdf test`` runs it in that Airflow's process (tests/suite)."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let each folder begin with a world as at first: what tests of one leave behind is none of another's business."""
    folder = Path(*item.path.relative_to(ROOT).parts[:2])
    if _last.get("file") != item.path:
        forget_masks()
    if _last.get("folder") != folder and _running:
        _as_at_first(_running[0])
    _last.update(file=item.path, folder=folder)


def _make_accounts_database() -> None:
    """Have the accounts' database as the set-up makes it: tests put accounts into it with plain HTTP, as others do."""
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import ACCOUNT

    CouchDBHook().create_database(ACCOUNT)


def _as_at_first(world: LocalWorld) -> None:
    """Forget documents, staged files, counts, tokens, Airflow's Variables; what has a prefix is some test's own."""
    from include.gas.documents.day_documents import database_name
    from include.gas.documents.doctypes import DOCTYPES
    from include.sandbox.adict.world import DEFAULTS

    for doctype in DOCTYPES:
        url = f"{world.couch.url}/{database_name(doctype)}"
        requests.delete(url, auth=(world.couch.user, world.couch.password), timeout=60)
    _make_accounts_database()
    if mirrors := sys.modules.get("grdf.page.list.shared_mirrors"):
        for mirror in (
            mirrors._shared,
            mirrors._meters,
            mirrors._figures,
        ):  # of the embedded server, a new database may look the same
            mirror._state = None
            mirror._forget()
    world.control.set(**DEFAULTS)
    world.control.set_clock(None)
    world.control.drop_consents()
    world.control.drop_tokens()
    world.control.drop_calls()
    world.control.clear_log()
    shutil.rmtree(HOME / "grdf", ignore_errors=True)
    if (HOME / "airflow.db").exists():
        with closing(sqlite3.connect(HOME / "airflow.db", timeout=60)) as database, database:
            database.execute("DELETE FROM variable")


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Airflow's home of this session, with a migrated SQLite database."""
    from tests.databases import empty_database

    target = HOME / "airflow.db"
    if not target.exists():
        shutil.copyfile(empty_database(), target)
    return HOME


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorld]:
    """GRDF's stand-in and a CouchDB, and Airflow's connections to both in the environment.

    The CouchDB is an embedded one, or the one that ``GRDF_TEST_COUCHDB_URL`` names (:mod:`tests.named_couch`).

    One for all tests of a session: take ``account_id`` for an id and meters that no other test has, and ``clean`` for
    a sandbox that no other test has changed.
    """
    from include.sandbox.local_world import LocalWorld
    from tests.named_couch import named_couch

    folder = tmp_path_factory.mktemp("world")
    with (
        LocalWorld(folder, memory=True, couch=named_couch()) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in running.connections().items():
            patch.setenv(name, value)
        _make_accounts_database()
        _running.append(running)
        yield running
        _running.clear()


@pytest.fixture(scope="module")
def as_at_first(world: LocalWorld) -> None:
    """Let a file begin with a world as at first, for folders whose tests ask for all that is stored.

    Such are a retention, an adoption, a check of everybody: what other files leave behind is their business, too.
    """
    _as_at_first(world)


@pytest.fixture(autouse=True)
def fresh_quota() -> None:
    """No test inherits the calls to GRDF that others have made, nor the pause that they have caused."""
    for file in (HOME / "grdf").glob("quota.db*"):
        file.unlink()


@pytest.fixture
def clean(world: LocalWorld) -> LocalWorld:
    """The world with the sandbox's clock, settings, faults, tokens, quotas and log as at first.

    So are the demo households' meters; those of ``account_id`` are one test's own.
    """
    from include.sandbox.adict.meter_data.meters import DEMO_HOLDERS
    from include.sandbox.adict.world import DEFAULTS

    control = world.control
    control.set(**DEFAULTS)
    control.set_clock(None)
    for pce in [pce for holder in DEMO_HOLDERS for pce in holder.pces]:
        control.set_quirks(pce)
        control.uncorrect(pce)
    control.drop_tokens()
    control.drop_calls()
    control.clear_log()
    return world


@pytest.fixture
def couchdb(world: LocalWorld) -> CouchDBHook:
    """Our hook, connected to the session's CouchDB."""
    from grdf.hooks.couchdb import CouchDBHook

    return CouchDBHook()


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a task there are no Variables."""
    monkeypatch.setattr("grdf.hooks.adict.Variables", MemoryShelf)


@pytest.fixture
def account_id() -> str:
    """An account id that no other test of this session has; ``tests.helpers`` derives its meters from it."""
    return f"account-{next(_numbers):05}"
