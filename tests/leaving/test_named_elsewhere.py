"""A deletion also removes documents that name the account under ids of their own: the konnector's, other programs'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED
from tests.leaving.household import assert_gone, household
from tests.leaving.steps import delete
from tests.rights.scene import other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

NUMBERS = {"load": 5, "year": 2024, "month": 2, "day": 1}


def konnector(doc_id: str, account: str) -> dict[str, Any]:
    return {"_id": doc_id, **NUMBERS, "price": 3.5, "cozyMetadata": {"sourceAccount": account}}


@pytest.fixture
def neighbours(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> Iterator[list[tuple[str, str]]]:
    """Ids, by doctype, of documents that must stay: of another household, and of nobody."""
    other = other_of(account_id)
    household(clean, other)
    stay = [(DAY, konnector(f"{account_id}-theirs", other)), (MONTH, {"_id": f"zz-{account_id}", **NUMBERS})]
    stay.append((DAY, {"_id": f"0-{account_id}", "account": other, "cozyMetadata": {"sourceAccount": account_id}}))
    for doctype, document in stay:
        couchdb.write(doctype, [document])
    yield [(doctype, document["_id"]) for doctype, document in stay]
    delete(other)
    for doctype, document in stay:
        remove(couchdb, doctype, document["_id"])


def remove(couchdb: CouchDBHook, doctype: str, doc_id: str) -> None:
    if found := couchdb.get(doctype, doc_id):
        couchdb.write(doctype, [{**found, "_deleted": True}])


def write(couchdb: CouchDBHook, account: str) -> None:
    """Let the konnector and a consumer leave documents, before, between and behind those of accounts."""
    couchdb.write(DAY, [konnector(f"{first}-{account}", account) for first in ("0f0", "b", "zzz")])
    couchdb.write(MONTH, [konnector(f"~{account}", account)])
    couchdb.write(DAY, [{"_id": f"note-{account}", "account": account, "text": "by a consumer"}])
    couchdb.write(PUBLISHED, [{"_id": f"note:{account}", "account": account}])


def test_they_go_and_are_counted(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, neighbours: list[tuple[str, str]]
) -> None:
    pces = household(clean, account_id)
    write(couchdb, account_id)
    assert "other documents there that name it" in delete(account_id, steps=("check",))["check"]["text"]
    delete(account_id)
    for doctype, doc_id in neighbours:
        assert couchdb.get(doctype, doc_id)
        remove(couchdb, doctype, doc_id)
    record = assert_gone(clean, account_id, pces)
    assert (record["removed"][DAY], record["removed"][MONTH], record["removed"][PUBLISHED]) == (3 + 4, 1 + 1, 1)
