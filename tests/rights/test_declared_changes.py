"""A declaration that is corrected or given again: one right, and the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import (
    DeclarationRefused,
)
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import (
    PERSON,
    accepts,
    give,
    holds_person,
    look,
    lost_answer,
    rights,
    still_waits,
    waits,
)
from tests.rights.scene import check, document

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
