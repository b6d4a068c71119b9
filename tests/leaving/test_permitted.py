"""What a deletion does somebody asked for and somebody else approved, whatever is done to its tasks in Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import BadRequest
from include.gas.leaving import may_approve
from tests.leaving.household import ACTIVE, AUDIT_DATABASE, Couch, assert_gone, household, revocations, rights
from tests.leaving.steps import FORM, answer, delete, deletion_context, operators

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ONE_PERSON = "AIRFLOW__GRDF__DELETION_BY_ONE_PERSON"
NO_APPROVAL = "AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL"
STEPS = ("mark", "revoke", "purge", "report")


def untouched(world: LocalWorld, couch: Couch, before: dict[str, str], pces: tuple[str, ...]) -> bool:
    return couch.revisions() == before and revocations(world) == [] and set(rights(world, pces).values()) == {ACTIVE}


@pytest.mark.parametrize(
    ("asker", "approver", "by_one_person", "may"),
    [
        ("ana", "ben", False, True),
        ("ana", "ana", False, False),
        ("ana", "Ana", False, False),  # FAB takes both for one name
        ("ana", None, False, False),
        ("ana", "", True, False),
        (None, "ben", False, False),
        ("ana", "ana", True, True),
        (None, "ben", True, True),
    ],
)
def test_who_may_approve(asker: str | None, approver: str | None, by_one_person: bool, may: bool) -> None:
    assert may_approve(asker, approver, by_one_person=by_one_person) is may


def test_both_names_are_kept(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    delete(account_id, by="ana", approved_by="ben")
    record = assert_gone(clean, account_id, pces)
    assert (record["asked_by"], record["approved_by"]) == ("ana", "ben")
    assert record["approvals"] == [{"run": "run-1", "by": "ben", "at": "2026-06-01T12:00:00.000000Z"}]
    assert not [doc for doc in Couch(clean).documents(AUDIT_DATABASE) if doc["_id"].startswith("approved.")]


def test_who_goes_on_is_kept_too(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    delete(account_id, by="ana", approved_by="ben", steps=("check", "mark", "revoke"))
    delete(account_id, run_id="run-2", by="eve", approved_by="ana")
    record = assert_gone(clean, account_id, pces)
    assert (record["asked_by"], record["resumed"][0]["by"], record["approved_by"]) == ("ana", "eve", "ana")
    assert [(each["run"], each["by"]) for each in record["approvals"]] == [("run-1", "ben"), ("run-2", "ana")]


def test_the_asker_is_asked_to_leave_it_to_somebody_else(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = household(clean, account_id)
    before = couch.revisions()
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="ana")
    approve = operators(account_id)["approve"]
    again: list[Any] = []
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", lambda _, c: again.append(c))
    approve.execute_complete(context, answer("ana"))
    assert again == [context], "it asks again"
    assert "ana asked for its deletion and cannot approve it too" in "".join(capfd.readouterr())
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, steps=("mark",), by="ana", approved_by=None)
    assert untouched(clean, couch, before, pces)
    monkeypatch.setenv(ONE_PERSON, "True")
    approve.execute_complete(context, answer("ana"))
    delete(account_id, by="ana", approved_by=None)
    assert assert_gone(clean, account_id, pces)["approved_by"] == "ana"


def test_somebody_must_have_asked(account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="")
    asked: list[Any] = []
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", lambda _, c: asked.append(c))
    with pytest.raises(BadRequest, match="does not say who asked"):
        operators(account_id)["approve"].execute(context)
    assert not asked


@pytest.mark.parametrize("first", STEPS)
def test_a_step_whose_approval_was_skipped_by_hand_does_nothing(
    clean: LocalWorld, account_id: str, couch: Couch, first: str
) -> None:
    """``approve`` and what follows marked as successful in Airflow, and the rest run."""
    pces = household(clean, account_id)
    before = couch.revisions()
    for step in STEPS[STEPS.index(first) :]:
        with pytest.raises(BadRequest, match=r"nobody has approved|has not begun"):
            delete(account_id, steps=(step,), approved_by=None)
    assert untouched(clean, couch, before, pces)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", [{"dry_run": True}, {"confirm": "another"}, {"dry_run": "false"}], ids=str)
def test_a_step_of_a_run_that_is_no_order_does_nothing(
    clean: LocalWorld, account_id: str, couch: Couch, step: str, form: dict[str, Any]
) -> None:
    """A task of a dry run that is cleared alone would run, whatever was skipped before it."""
    pces = household(clean, account_id)
    before = couch.revisions()
    with pytest.raises(BadRequest, match="no order to delete"):
        delete(account_id, steps=(step,), form=form, approved_by=None)
    assert untouched(clean, couch, before, pces)


@pytest.mark.parametrize("needs_approval", ["True", "False"])
def test_an_old_deletion_that_is_cleared_does_nothing_to_who_has_connected_again(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, needs_approval: str
) -> None:
    monkeypatch.setenv(NO_APPROVAL, needs_approval)
    pces = household(clean, account_id)
    delete(account_id)
    assert_gone(clean, account_id, pces)
    (record,) = couch.records(account_id)
    clean.control.clear_log()
    household(clean, account_id)
    before, granted = couch.revisions(), rights(clean, pces)
    assert ACTIVE in granted.values()
    for step in ("mark", "revoke", "purge"):
        with pytest.raises(BadRequest, match="has ended"):
            delete(account_id, steps=(step,), approved_by=None)
    assert delete(account_id, steps=("report",), approved_by=None)["report"]["finished_at"] == record["finished_at"]
    assert (couch.revisions(), rights(clean, pces), revocations(clean)) == (before, granted, [])


def test_an_approval_is_of_one_run_and_account(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces = household(clean, account_id)
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="ana")
    operators(account_id)["approve"].execute_complete(context, answer("ben"))
    before = couch.revisions()
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, run_id="run-2", steps=("mark",), approved_by=None)
    assert untouched(clean, couch, before, pces)


def test_a_run_that_was_taken_over_does_nothing_any_more(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    delete(account_id, run_id="run-2", steps=("check", "mark"))
    for step in ("revoke", "purge", "report"):
        with pytest.raises(BadRequest, match="another has taken it over"):
            delete(account_id, steps=(step,))
    assert revocations(clean) == []


def test_without_approval_nobody_is_named(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_APPROVAL, "False")
    pces = household(clean, account_id)
    delete(account_id, approved_by=None)
    assert assert_gone(clean, account_id, pces)["approved_by"] is None
