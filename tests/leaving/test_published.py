"""``grdf_published`` as Airflow runs it. When a household leaves, its published periods are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.gas.documents.doctypes import PUBLISHED
from include.gas.documents.gas_days import account_range
from tests.helpers import known_account
from tests.leaving.steps import delete
from tests.plugins.published import billing

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker


def test_named_accounts_are_read_and_their_deletion_leaves_nothing(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, dags: Worker
) -> None:
    known_account(clean, account_id)
    run = dags.ask("run_named", dag_id="grdf_published", conf={"accounts": [account_id]})
    assert (run["state"], run["tasks"]) == ("success", {"read_published": "success"})
    assert len(couchdb.range(PUBLISHED, *account_range(account_id))) > 50
    assert billing(clean, account_id)["frequency"] == "1M"
    answered = [call["path"] for call in clean.control.log() if "/donnees_" in call["path"] and call["status"] == 200]
    assert len(answered) == 3, "a token that another test has made GRDF forget costs one more, refused, call"
    delete(account_id)
    assert couchdb.range(PUBLISHED, *account_range(account_id)) == []
    assert clean.book.get(account_id) is None
