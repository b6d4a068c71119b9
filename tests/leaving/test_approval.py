"""A deletion only does what one person requested and another approved, whatever is done to its tasks in Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput

from include.gas.errors import BadAccount, BadRequest
from include.gas.leaving.deletion import DeletionOrder
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account
from tests.leaving.household import ACTIVE, Couch, assert_gone, brought, fill, household, revocations, rights
from tests.leaving.steps import FORM, STARTED, answer, delete, deletion_context, operators

ONE_PERSON, NO_APPROVAL = "AIRFLOW__GRDF__DELETION_BY_ONE_PERSON", "AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL"
STEPS = ("mark", "revoke", "purge")
LATER = STARTED + timedelta(hours=1)
NOT_APPROVED = r"nobody has approved|does not ask for its deletion"

pytestmark = pytest.mark.usefixtures("couch")


class Approval:
    def __init__(self, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bodies: list[str] = []
        self.form = {"account": account, "confirm": account, **FORM}
        self.task = operators(account)["approve"]
        monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", self._parked)

    def _parked(self, operator: Any, _context: Any) -> None:
        self.bodies.append(operator.body)
        raise TaskAwaitingInput(method_name="execute_complete")

    def ask(self, run: str = "run-1", *, by: str = "ana", **more: Any) -> None:
        with pytest.raises(TaskAwaitingInput):
            self.task.execute(deletion_context(run, self.form, by=by, **more))

    def answer(self, by: str, run: str = "run-1") -> None:
        self.task.execute_complete(deletion_context(run, self.form, by="ana"), answer(by))


@pytest.fixture
def approval(account_id: str, monkeypatch: pytest.MonkeyPatch) -> Approval:
    return Approval(account_id, monkeypatch)


def test_who_may_approve() -> None:
    for approver, alone, may in (
        ("ben", False, True), ("ana", False, False), ("", False, False), ("", True, False), ("ana", True, True),
        ("Ana", False, False),  # FAB considers both to be the same name
    ):  # fmt: skip
        order = DeletionOrder(run="run-1", started="", keep_data=False, asked_by="ana", approved_by=approver)
        assert order.is_approved(by_one_person=alone) is may, approver


def test_without_an_approval_no_step_does_anything(
    clean: LocalWorld, account_id: str, couch: Couch, approval: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks may be marked as successful or cleared in Airflow, and what they returned may be changed."""
    pces = household(clean, account_id)
    context = deletion_context("run-1", approval.form, by="")
    with pytest.raises(BadRequest, match="does not say who asked"):
        approval.task.execute(context)
    assert approval.bodies == []
    approval.ask()
    (body,) = approval.bodies
    assert all(f"* {right} (active)" in body for right in rights(clean, pces)), "not what ``check`` returned"
    assert "ana asked for this deletion" in body, "whose approval does not count"
    assert "an approval by ana does not count" in approval.task.subject, "beside the buttons, too"
    assert "* 3 documents of com.grandlyon.grdf.day" in body
    with pytest.raises(TaskAwaitingInput):
        approval.answer("ana")
    before = couch.revisions()
    for form in ({}, {"dry_run": True}, {"confirm": "another"}, {"dry_run": "false"}):
        for step in STEPS:
            with pytest.raises(BadRequest, match=NOT_APPROVED):
                delete(account_id, steps=(step,), form=form, by="ana", approved_by=None)
    assert (couch.revisions(), revocations(clean)) == (before, [])
    assert set(rights(clean, pces).values()) == {ACTIVE}
    approval.ask("run-2")
    approval.answer("ben")
    with pytest.raises(BadRequest, match=NOT_APPROVED):
        delete(account_id, run_id="run-2", steps=("mark",), by="ana", approved_by=None)
    delete(account_id, by="ana", approved_by=None, steps=STEPS)
    record = assert_gone(clean, account_id, pces)
    assert (record["asked_by"], record["approved_by"], record["run"]) == ("ana", "ben", "run-1")
    assert (record["started"], bool(record["approved_at"])) == ("2026-06-01T12:00:00.000000Z", True)


def test_where_one_person_may_do_it_alone(
    clean: LocalWorld, account_id: str, approval: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    monkeypatch.setenv(ONE_PERSON, "True")
    approval.ask()
    approval.answer("ana")
    delete(account_id, by="ana", approved_by=None, steps=("mark",))
    monkeypatch.setenv(ONE_PERSON, "False")
    with pytest.raises(BadRequest, match=NOT_APPROVED):
        delete(account_id, by="ana", approved_by=None, steps=("revoke",))
    assert revocations(clean) == []
    monkeypatch.setenv(ONE_PERSON, "True")
    delete(account_id, by="ana", approved_by=None)
    assert assert_gone(clean, account_id, pces)["approved_by"] == "ana"


@pytest.mark.parametrize("noted", ["waits", "in the record"])
def test_an_approval_is_of_what_was_asked_and_when(
    clean: LocalWorld, account_id: str, couch: Couch, noted: str
) -> None:
    """A run is removed, and somebody starts another one with its id, which asks for something else."""
    pces, asked = household(clean, account_id), {"form": {"keep_data": True}, "by": "ben"}
    other: dict[str, Any] = {"form": {"keep_data": False}, "by": "eve", "started": LATER}
    delete(account_id, **asked, approved_by="ana", steps=("approve",) if noted == "waits" else ("mark",))
    before = couch.revisions()
    for step in STEPS:
        with pytest.raises(BadRequest, match=NOT_APPROVED):
            delete(account_id, **other, approved_by=None, steps=(step,))
    assert (couch.revisions(), revocations(clean)) == (before, [])
    delete(account_id, **asked, approved_by=None, steps=STEPS)
    (record,) = couch.records(account_id)
    assert (record["keep_data"], record["removed"], bool(record["finished_at"])) == (True, {}, True)
    delete(account_id, **other, approved_by="ana")
    assert couch.mentions(*pces, but=("com-grandlyon-grdf-meter",)) == {}


@pytest.mark.parametrize("needs_approval", ["True", "False"])
def test_an_old_deletion_that_is_cleared_does_nothing_to_who_was_restored(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, needs_approval: str
) -> None:
    monkeypatch.setenv(NO_APPROVAL, needs_approval)
    pces = household(clean, account_id)
    delete(account_id)
    record = assert_gone(clean, account_id, pces)
    fill(clean, account_id, known_account(clean, account_id))
    clean.control.clear_log()
    before, granted = couch.revisions(), rights(clean, pces)
    assert ACTIVE in granted.values()
    for step, why in (("mark", "nobody has approved" if needs_approval == "True" else "was cleared"), ("revoke", "")):
        with pytest.raises(BadRequest, match=why or NOT_APPROVED):
            delete(account_id, steps=(step,), approved_by=None, cleared=True)
    assert delete(account_id, steps=("purge",), approved_by=None)["purge"]["record"] == record["_id"]
    assert (couch.revisions(), rights(clean, pces), revocations(clean)) == (before, granted, [])


def test_a_consent_that_comes_after_the_plan_was_read_is_asked_about(
    clean: LocalWorld, account_id: str, approval: Approval
) -> None:
    pces = household(clean, account_id)
    approval.ask()
    fill(clean, account_id, ("GI000001",))  # new days arrive every morning, which must not require a new approval
    (right,) = clean.control.consent([pces[0]])
    brought(account_id, right)
    approval.answer("ben")
    with pytest.raises(BadRequest, match="not those that were approved"):
        delete(account_id, by="ana", approved_by=None, steps=("mark", "revoke"))
    assert revocations(clean) == []
    delete(account_id, run_id="run-2", by="ana", approved_by="ben")
    assert assert_gone(clean, account_id, pces)["revoked"] == [right["id_droit_acces"]], "it has replaced the other"


def test_another_run_takes_over_and_the_first_does_nothing_any_more(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    delete(account_id, steps=("check", "mark"), by="ana")
    given = delete(account_id, run_id="run-2", form={"keep_data": True}, steps=("check", "mark"))
    assert all(word in given["check"]["text"] for word in ("run-1", "ana", "To remove:"))
    for step in ("revoke", "purge"):
        with pytest.raises(BadRequest, match="another run has taken over"):
            delete(account_id, steps=(step,), by="ana")
    assert revocations(clean) == []
    delete(account_id, run_id="run-2", form={"keep_data": True}, steps=("revoke", "purge"))
    record = assert_gone(clean, account_id, pces)
    assert (record["run"], record["keep_data"]) == ("run-2", False)
    monkeypatch.setenv(NO_APPROVAL, "False")
    with pytest.raises(BadAccount, match="there is no such account"):
        delete(account_id, run_id="run-3", steps=("mark",), approved_by=None)
