"""A number of thousands of digits, which another program wrote into one document, stops nobody else.

CouchDB keeps such numbers, and Python reads them as infinity, which cannot be written back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks import couch_answers
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import OAUTH_OUTDATED, BadDocument
from include.gas.leaving.deletion_record import audit_entry
from tests.helpers import holder
from tests.leaving.runs import check
from tests.rights.scene import bring, document, other_of

if TYPE_CHECKING:
    import requests

    from include.sandbox.local_world import LocalWorld

ENDLESS = "an endless number"


@pytest.fixture(autouse=True)
def couchdb_keeps_whole_numbers(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer as Erlang does: the embedded server's JavaScript would round them."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    read = couch_answers._json

    def with_numbers(response: requests.Response) -> Any:
        response._content = response.content.replace(f'"{ENDLESS}"'.encode(), b"9" * 5000)
        return read(response)

    monkeypatch.setattr(couch_answers, "_json", with_numbers)


def test_the_other_accounts_are_checked(clean: LocalWorld, account_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = other_of(account_id)
    rights = [bring(clean, name, holder(name).pces[0]) for name in (account_id, other)]
    check()
    clean.book.save(document(clean, account_id) | {"of_another_program": ENDLESS})
    for right in rights:
        clean.control.revoke(right)
    counts = check()
    assert (counts["odd"], document(clean, other)["state"]) == (1, OAUTH_OUTDATED)
    told = capsys.readouterr().out
    assert f"the document {account_id} at http" in told
    assert "Correct the number in CouchDB" in told
    clean.book.remove(account_id)
    clean.book.remove(other)


def test_a_record_of_a_deletion_stops_no_check(clean: LocalWorld, capsys: pytest.CaptureFixture[str]) -> None:
    couchdb, later = CouchDBHook(), datetime.now(UTC) + timedelta(days=3)
    entry = audit_entry("gone-74410", "a run", by="someone", at=later, keep_data=False)
    couchdb.create_database(AUDIT)
    couchdb.put(AUDIT, entry | {"finished_at": later.isoformat(), "of_another_program": ENDLESS})
    check()
    assert "Account gone-74410: the document" in capsys.readouterr().out
    Remover(couchdb).remove(AUDIT, entry["_id"])


def test_the_document_is_named_among_many(clean: LocalWorld, account_id: str) -> None:
    ids = [f"{account_id}:09999999900000:2026-01-0{day}" for day in (1, 2)]
    documents = [{"_id": name, "load": load} for name, load in zip(ids, (1, float("inf")), strict=True)]
    with pytest.raises(BadDocument, match="2026-01-02 at http") as caught:
        CouchDBHook().write("com.grandlyon.grdf.day", documents)
    assert caught.value.account == account_id
    assert "09999999900000" not in str(caught.value)
