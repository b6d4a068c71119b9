"""The check of health, executed in this process on databases of the test's own, and a real mail server."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.health.mail import Mailbox, mail_server
from tests.health.scene import LOG, Fleet

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def fleet(clean: LocalWorld, shelf: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Fleet:
    """A fleet without accounts, in an installation that has set up its databases."""
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import DOCTYPES
    from include.sandbox.connect import AccountDocuments

    prefix = f"health{secrets.token_hex(4)}/"
    fields = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fields))
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    caplog.set_level(logging.INFO, LOG.name)
    return Fleet(AccountDocuments(clean.couch.url, clean.couch.user, clean.couch.password, prefix), fields, caplog)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    """See :func:`mail_server`."""
    with mail_server() as found:
        yield found
