"""A deletion only does what one person requested and another approved, whatever is done to its tasks in Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput

from include.gas.errors import BadRequest, ServiceUnavailable
from include.gas.leaving.deletion import Order
from tests.helpers import known_account
from tests.leaving.household import (
    ACTIVE,
    Couch,
    assert_gone,
    brought,
    fill,
    household,
    revocations,
    rights,
)
from tests.leaving.steps import FORM, STARTED, answer, delete, deletion_context, operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.sandbox.local_world import LocalWorld

ONE_PERSON = "AIRFLOW__GRDF__DELETION_BY_ONE_PERSON"
NO_APPROVAL = "AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL"
STEPS = ("mark", "revoke", "purge")
LATER = STARTED + timedelta(hours=1)


def untouched(world: LocalWorld, couch: Couch, before: dict[str, str], pces: tuple[str, ...]) -> bool:
    return couch.revisions() == before and revocations(world) == [] and set(rights(world, pces).values()) == {ACTIVE}


@pytest.mark.parametrize(
    ("asker", "approver", "by_one_person", "may"),
    [
        ("ana", "ben", False, True),
        ("ana", "ana", False, False),
        ("ana", "Ana", False, False),  # FAB considers both to be the same name
        ("ana", "", False, False),
        ("ana", "", True, False),
        ("ana", "ana", True, True),
    ],
)
def test_who_may_approve(asker: str, approver: str, by_one_person: bool, may: bool) -> None:
    order = Order(run="run-1", started="", keep_data=False, asked_by=asker, approved_by=approver)
    assert order.is_approved(by_one_person=by_one_person) is may


def test_both_names_are_kept(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    delete(account_id, by="ana", approved_by="ben")
    record = assert_gone(clean, account_id, pces)
    assert (record["asked_by"], record["approved_by"]) == ("ana", "ben")
    assert (record["run"], record["started"]) == ("run-1", "2026-06-01T12:00:00.000000Z")
    assert record["approved_at"]
    assert "question" not in record


def test_the_asker_is_asked_to_leave_it_to_somebody_else(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = household(clean, account_id)
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="ana")
    approve = operators(account_id)["approve"]
    again: list[Any] = []
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", lambda _, c: again.append(c))
    approve.execute(context)
    approve.execute_complete(context, answer("ana"))
    before = couch.revisions()
    assert again == [context, context], "it asks again"
    assert "ana asked for its deletion and cannot approve it as well" in "".join(capfd.readouterr())
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, steps=("mark",), by="ana", approved_by=None)
    assert untouched(clean, couch, before, pces)
    monkeypatch.setenv(ONE_PERSON, "True")
    approve.execute(context)
    approve.execute_complete(context, answer("ana"))
    delete(account_id, by="ana", approved_by=None)
    assert assert_gone(clean, account_id, pces)["approved_by"] == "ana"


def test_a_form_that_was_sent_twice_is_approved_once(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", lambda *_: None)
    runs = {run: operators(account_id)["approve"] for run in ("run-1", "run-2")}
    form = {"account": account_id, "confirm": account_id, **FORM}
    for run, approve in runs.items():
        approve.execute(deletion_context(run, form, by="ana"))
    runs["run-1"].execute_complete(deletion_context("run-1", form, by="ana"), answer("ben"))
    delete(account_id, by="ana", approved_by=None, steps=("mark", "revoke", "purge"))
    assert assert_gone(clean, account_id, pces)["approved_by"] == "ben"


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
    """``approve`` and some later tasks are marked as successful in Airflow, and the rest is run."""
    pces = household(clean, account_id)
    before = couch.revisions()
    for step in STEPS[STEPS.index(first) :]:
        with pytest.raises(BadRequest, match=r"nobody has approved|has not started"):
            delete(account_id, steps=(step,), approved_by=None)
    assert untouched(clean, couch, before, pces)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", [{"dry_run": True}, {"confirm": "another"}, {"dry_run": "false"}], ids=str)
def test_a_step_of_a_run_that_is_no_order_does_nothing(
    clean: LocalWorld, account_id: str, couch: Couch, step: str, form: dict[str, Any]
) -> None:
    """If a single task of a dry run is cleared, Airflow runs it, even if earlier tasks were skipped."""
    pces = household(clean, account_id)
    before = couch.revisions()
    with pytest.raises(BadRequest, match=r"does not ask for its deletion|nobody has approved"):
        delete(account_id, steps=(step,), form=form, approved_by=None)
    assert untouched(clean, couch, before, pces)


@pytest.mark.parametrize("needs_approval", ["True", "False"])
def test_an_old_deletion_that_is_cleared_does_nothing_to_who_was_restored(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch, needs_approval: str
) -> None:
    monkeypatch.setenv(NO_APPROVAL, needs_approval)
    pces = household(clean, account_id)
    delete(account_id)
    assert_gone(clean, account_id, pces)
    (record,) = couch.records(account_id)
    fill(clean, account_id, known_account(clean, account_id))
    clean.control.clear_log()
    before, granted = couch.revisions(), rights(clean, pces)
    assert ACTIVE in granted.values()
    said = "nobody has approved" if needs_approval == "True" else "was cleared"
    for step, why in (("mark", said), ("revoke", r"nobody has approved|has not started")):
        with pytest.raises(BadRequest, match=why):
            delete(account_id, steps=(step,), approved_by=None, cleared=True)
    assert delete(account_id, steps=("purge",), approved_by=None)["purge"]["record"] == record["_id"]
    assert (couch.revisions(), rights(clean, pces), revocations(clean)) == (before, granted, [])
    clean.book.remove(account_id)  # it is told every morning


def test_an_approval_is_of_one_run_and_account(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    pces = household(clean, account_id)
    delete(account_id, by="ana", approved_by="ben", steps=("approve",))
    before = couch.revisions()
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, run_id="run-2", steps=("mark",), approved_by=None)
    assert untouched(clean, couch, before, pces)


def test_keeping_the_data_is_approved_for_itself(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    """A run is removed in Airflow, and one with the same id is started, whose ``approve`` is marked as successful."""
    pces = household(clean, account_id)
    delete(account_id, form={"keep_data": True}, by="ben", approved_by="ana", steps=("check", "mark"))
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, started=LATER, by="ana", approved_by=None)
    (record,) = couch.records(account_id)
    assert (record["keep_data"], record["removed"], revocations(clean)) == (True, {}, [])
    assert clean.book.get(account_id)
    delete(account_id, started=LATER, by="ana", approved_by="ben")
    record = assert_gone(clean, account_id, pces)
    assert (record["asked_by"], record["approved_by"], record["keep_data"]) == ("ana", "ben", False)


@pytest.mark.parametrize("noted", ["waits", "in the record"])
def test_an_approval_is_of_what_was_asked_and_when(
    clean: LocalWorld, account_id: str, couch: Couch, noted: str
) -> None:
    """A run is removed, and somebody starts another one with its id, which asks for something else."""
    other: dict[str, Any] = {"form": {"keep_data": False}, "by": "eve", "started": LATER}
    household(clean, account_id)
    asked = {"form": {"keep_data": True}, "by": "ben"}
    begun = ("approve",) if noted == "waits" else ("mark",)
    delete(account_id, **asked, approved_by="ana", steps=begun)
    before = couch.revisions()
    for step in STEPS:
        with pytest.raises(BadRequest, match=r"nobody has approved|has not started"):
            delete(account_id, **asked | other, approved_by=None, steps=(step,))
    assert (couch.revisions(), revocations(clean)) == (before, [])
    delete(account_id, **asked, approved_by=None, steps=STEPS)
    assert couch.records(account_id)[0]["finished_at"]


class Asked:
    """Airflow's side of the approval: what the approver reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bodies: list[str] = []
        monkeypatch.setattr("airflow.providers.standard.operators.hitl.HITLOperator.execute", self._parked)

    def _parked(self, operator: Any, _context: Any) -> None:
        self.bodies.append(operator.body)
        raise TaskAwaitingInput(method_name="execute_complete")

    def by(self, step: Callable[..., Any], *args: Any) -> None:
        with pytest.raises(TaskAwaitingInput):
            step(*args)


def consent_anew(world: LocalWorld, account: str, pces: tuple[str, ...]) -> str:
    (right,) = world.control.consent([pces[0]])
    brought(account, right)
    return str(right["id_droit_acces"])


def test_the_approver_reads_what_is_so_and_not_what_check_returned(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user who requested the deletion may change the return value of ``check`` in Airflow."""
    pces = household(clean, account_id)
    asked, approve = Asked(monkeypatch), operators(account_id)["approve"]
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM})
    context["ti"].xcom_pull = lambda **_: {"text": "harmless"}
    asked.by(approve.execute, context)
    (body,) = asked.bodies
    assert all(f"* {right} (active)" in body for right in rights(clean, pces))
    assert "* 3 documents of com.grandlyon.grdf.day" in body


def test_a_consent_that_comes_after_the_plan_was_read_is_asked_about(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    asked, approve = Asked(monkeypatch), operators(account_id)["approve"]
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="ana")
    asked.by(approve.execute, context)
    fill(clean, account_id, ("GI000001",))  # new days arrive every morning, which must not require a new approval
    new = consent_anew(clean, account_id, pces)
    approve.execute_complete(context, answer("ben"))
    assert new not in asked.bodies[0]
    with pytest.raises(BadRequest, match="consents that would be revoked are not those"):
        delete(account_id, by="ana", approved_by=None, steps=("mark", "revoke"))
    assert revocations(clean) == []
    delete(account_id, run_id="run-2", by="ana", approved_by="ben")
    assert assert_gone(clean, account_id, pces)["revoked"] == [new], "it has replaced the other"


def test_an_approval_outlives_a_moment_without_grdf(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = household(clean, account_id)
    asked, approve = Asked(monkeypatch), operators(account_id)["approve"]
    context = deletion_context("run-1", {"account": account_id, "confirm": account_id, **FORM}, by="ana")
    asked.by(approve.execute, context)
    clean.control.fault("/droits_acces", status=503, times=None)
    approve.execute_complete(context, answer("ben"))
    with pytest.raises(ServiceUnavailable):
        delete(account_id, by="ana", approved_by=None, steps=("mark", "revoke"))
    assert clean.book.get(account_id)
    clean.control.set(faults=[])
    delete(account_id, by="ana", approved_by=None, steps=STEPS)
    assert assert_gone(clean, account_id, pces)["approved_by"] == "ben"


def test_who_may_approve_is_asked_again(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    household(clean, account_id)
    monkeypatch.setenv(ONE_PERSON, "True")
    delete(account_id, by="ana", approved_by="ana", steps=("mark",))
    monkeypatch.setenv(ONE_PERSON, "False")
    with pytest.raises(BadRequest, match="nobody has approved this run"):
        delete(account_id, by="ana", approved_by=None, steps=("revoke",))
    assert revocations(clean) == []


def test_a_run_that_was_taken_over_does_nothing_any_more(clean: LocalWorld, account_id: str) -> None:
    household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    delete(account_id, run_id="run-2", steps=("check", "mark"))
    for step in ("revoke", "purge"):
        with pytest.raises(BadRequest, match="another run has taken over"):
            delete(account_id, steps=(step,))
    assert revocations(clean) == []
