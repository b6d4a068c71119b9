"""The places in which files may wait: a local folder, and a folder of an object store."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from grdf.staging.staged_answers import Staging
from include.sandbox.processes import Processes
from tests.servers import ObjectStore, start_object_store


@pytest.fixture(scope="session")  # Airflow keeps the client of a connection
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An S3 server, with an Airflow connection to it."""
    with Processes() as processes, pytest.MonkeyPatch.context() as patch:
        store = start_object_store(processes, tmp_path_factory.mktemp("store"))
        patch.setenv("AIRFLOW_CONN_STAGING", store.connection)
        yield store


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Staging:
    """A local folder, and a folder of an object store."""
    if request.param == "file":
        return Staging(f"file://{tmp_path}/staging")
    return Staging(f"s3://staging@{request.getfixturevalue('store').bucket}/{secrets.token_hex(4)}")
