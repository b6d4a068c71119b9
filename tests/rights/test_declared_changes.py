"""A declaration that is corrected, given again or changed while it is under way: one right, and the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from include.gas.errors import (
    DeclarationRefused,
    StoreBusy,
)
from tests.helpers import MemoryShelf, holder
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    accepts,
    answer,
    give,
    holds_person,
    look,
    lost_answer,
    postcode,
    rights,
    still_waits,
    waits,
)
from tests.rights.scene import check, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("nobody_else_waits")


@pytest.mark.parametrize("change", [{}, {"name": "Martin-Invente", "email": "p.martin@example.org"}])
def test_a_correction_after_grdf_has_the_right_is_not_passed_over(
    clean: LocalWorld, account_id: str, change: dict[str, str]
) -> None:
    """GRDF's e-mail went to the wrong address, or another tenant was entered: somebody else would be read."""
    pce = give(clean, account_id, email="wrong@example.org")
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    give(clean, account_id, keep=True, **change)
    with pytest.raises(DeclarationRefused, match=r"another name or e-mail address.*delete this account"):
        acquire(account_id, "manual")
    check()
    assert "another name or e-mail address" in document(clean, account_id)["state_message"]
    assert len(rights(clean, pce)) == 1
    delete(account_id)
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée"]


def test_the_same_household_once_more_changes_nothing(clean: LocalWorld, account_id: str) -> None:
    waits(clean, account_id)
    give(clean, account_id, keep=True)
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "manual")
    assert holds_person(clean, account_id) == []
    assert still_waits(clean, account_id)
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]


def test_another_meter_given_while_the_first_was_sent_is_declared_next(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pce, other = give(clean, account_id), holder(other_of(account_id)).pces[0]
    real = AdictHook.declare

    def meanwhile(self: AdictHook, *arguments: Any, **more: Any) -> Any:
        right = real(self, *arguments, **more)
        monkeypatch.setattr(AdictHook, "declare", real)
        give(clean, account_id, keep=True, pce=other, postcode=postcode(other))
        return right

    monkeypatch.setattr(AdictHook, "declare", meanwhile)
    for _ in range(2):
        with pytest.raises(AirflowSkipException):
            acquire(account_id, "scheduled")
    assert [len(rights(clean, each)) for each in (pce, other)] == [1, 1]
    assert holds_person(clean, account_id) == []
    for each in (pce, other):
        answer(clean, each, "Active")
    assert look("manual") == [f"grdf_account__{account_id}"]


def test_a_correction_after_a_lost_answer_makes_no_second_right(clean: LocalWorld, account_id: str) -> None:
    pce = lost_answer(clean, account_id, email=PERSON["email"])
    with pytest.raises(DeclarationRefused, match="another name or e-mail address"):
        acquire(account_id, "scheduled")
    assert len(rights(clean, pce)) == 1


@pytest.mark.parametrize("change", [{"email": "right@example.org"}, {"pce": "GI000042"}, {"postcode": "x"}])
def test_a_deletion_after_a_lost_answer_revokes_it(clean: LocalWorld, account_id: str, change: dict[str, str]) -> None:
    pce = lost_answer(clean, account_id, **change)
    delete(account_id)
    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == ["Révoquée"]
    assert document(clean, account_id) == {}


def test_a_declaration_changed_just_before_it_is_sent_is_not_sent(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pce = give(clean, account_id, email="wrong@example.org")

    def meanwhile(*_: Any) -> dict[str, Any]:
        monkeypatch.undo()
        give(clean, account_id, keep=True)
        return {}

    monkeypatch.setattr("grdf.consents.owners.taking._others", meanwhile)
    with pytest.raises(StoreBusy, match="changed at this very moment"):
        acquire(account_id, "scheduled")
    assert rights(clean, pce) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
        with pytest.raises(AirflowSkipException):
            acquire(account_id, "scheduled")
    assert [right["courriel_titulaire"] for right in rights(clean, pce)] == [PERSON["email"]]
