"""The first task repeats the form's checks, because users who start the DAG through the API have not seen the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import BadAccount, BadRequest
from tests.leaving.household import ACTIVE, Couch, household, revocations, rights
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"confirm": ""}, "confirmation says ''"),
        ({"confirm": "another"}, "confirmation says 'another'"),
    ],
)
def test_a_wrong_form_does_nothing(
    clean: LocalWorld, account_id: str, couch: Couch, form: dict[str, Any], said: str
) -> None:
    household(clean, account_id)
    before = couch.revisions()
    with pytest.raises(BadRequest, match=said) as caught:
        delete(account_id, form=form)
    assert "Nothing was done." in str(caught.value)
    assert couch.revisions() == before
    assert clean.control.log() == []


@pytest.mark.parametrize(
    "bad", ["", " ", "a b", "../x", "a:b", "é", "x" * 129, "a\n", "_all_docs/x", "_all_docs", "_design"]
)
def test_what_is_no_account_id(clean: LocalWorld, couch: Couch, bad: str) -> None:
    before = couch.revisions()
    with pytest.raises((BadAccount, BadRequest), match=r"there is no such account|cannot be a document id"):
        delete(bad, steps=("check",))
    assert couch.revisions() == before


def test_an_unknown_account(clean: LocalWorld, couch: Couch) -> None:
    before = couch.revisions()
    with pytest.raises(BadAccount):
        delete("nobody-here")
    assert couch.revisions() == before


def test_an_account_of_another_service_is_not_ours_to_delete(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    clean.book.save({"_id": account_id, "account_type": "enedisgrandlyon", "oauth": {"access_token": "theirs"}})
    before = couch.revisions()
    with pytest.raises(BadAccount, match="there is no such account of the type grdfgrandlyon"):
        delete(account_id)
    assert couch.revisions() == before


def test_the_forms_defaults_are_a_dry_run(clean: LocalWorld, account_id: str, couch: Couch, dags: Worker) -> None:
    pces = household(clean, account_id)
    before = couch.revisions()
    run = dags.ask("run_named", dag_id="grdf_delete_account", conf={"account": account_id, "confirm": account_id})
    assert run["state"] == "success"
    assert run["tasks"] == {
        "check": "success", "real_run": "success", "approve": "skipped", "mark_leaving": "skipped",
        "revoke": "skipped", "purge": "skipped",
    }  # fmt: skip
    assert couch.revisions() == before
    assert set(rights(clean, pces).values()) == {ACTIVE}
    assert revocations(clean) == []


def test_a_mismatch_fails_the_run(clean: LocalWorld, account_id: str, couch: Couch, dags: Worker) -> None:
    household(clean, account_id)
    before = couch.revisions()
    conf = {"account": account_id, "confirm": f"{account_id}x", "dry_run": False}
    run = dags.ask("run_named", {"AIRFLOW__GRDF__RETRIES": "3"}, dag_id="grdf_delete_account", conf=conf)
    assert run["state"] == "failed"
    assert run["tasks"]["check"] == "failed"
    assert set(run["tasks"].values()) == {"failed", "upstream_failed"}
    assert couch.revisions() == before
