"""What is taken back is in old revisions until CouchDB compacts; docs/leaving.md says how to ask for that."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from include.gas.documents.doctypes import ACCOUNT, DAY, FOR_READERS
from include.gas.documents.gas_days import database_name
from tests.helpers import holder, wait, yesterday
from tests.leaving.household import Couch
from tests.rights.scene import bring, check, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

PAGE = (Path(__file__).parents[2] / "docs" / "leaving.md").read_text(encoding="utf-8")
(NAMED,) = re.findall(r"for name in (.*)\n +do curl -u admin -X POST .*/\$name/_compact; done", PAGE)


def test_the_page_names_every_database_from_which_something_is_taken_back() -> None:
    assert NAMED.split() == [database_name(doctype) for doctype in (*FOR_READERS, ACCOUNT)]


def test_after_that_request_an_old_revision_says_nothing(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    (pce,), day = holder(account_id).pces, yesterday(clean) - timedelta(days=3)
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    clean.control.revoke(right)
    clean.control.consent([pce], conso_debut=str(yesterday(clean) - timedelta(days=20)), keep_others=True)
    clean.control.correct(pce, day, 777)
    run(clean, account_id)
    foreign = couchdb.get(DAY, f"{account_id}:{pce}:{day}") or {}
    check()
    couch = Couch(clean)
    address = f"{couch.url}/{database_name(DAY)}"

    def old() -> object:
        answer = couch.http.get(
            f"{address}/{quote(foreign['_id'], safe='')}", params={"rev": foreign["_rev"]}, timeout=30
        )
        return answer.json().get("load")

    assert couchdb.get(DAY, foreign["_id"]) is None
    assert old() == 777
    assert couch.http.post(f"{address}/_compact", json={}, timeout=30).ok
    wait(lambda: old() is None, 60, "compaction")
