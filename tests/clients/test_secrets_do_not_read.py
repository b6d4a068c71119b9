"""A connection with a secret that revokes is never one with which data are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grdf import settings
from include.gas.errors import BadSettings, ClientUnknown
from tests.clients.scene import SOUTH, account_of, document
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

REVOKING = ["grdf_south_delete", "grdf_south_Delete", "GRDF_SOUTH_DELETE", "grdfgrandlyon_delete"]
BESIDE_ONE = ["grdfgrandlyon", "GrdfGrandLyon"]
"""Not secrets themselves, but with ``_delete`` after them they are the usual client's."""


@pytest.mark.parametrize("named", [*REVOKING, *BESIDE_ONE])
def test_the_setting_may_not_name_it(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", f"grdf_adict, {named}")
    with pytest.raises(BadSettings, match="names what is not the id of an Airflow connection with which data may be"):
        settings.connections()


@pytest.mark.parametrize("named", [*REVOKING, *BESIDE_ONE])
def test_no_account_belongs_to_it(two: LocalWorld, account_id: str, named: str) -> None:
    account_of(two, account_id, SOUTH)
    two.book.save({**document(two, account_id), "grdf_connection": named})
    two.control.clear_log()
    with pytest.raises(ClientUnknown, match="is not the id of an Airflow connection"):
        delete(account_id)
    assert document(two, account_id)
    assert two.control.log() == []


@pytest.mark.parametrize("named", ["grdf_delete_2", "grdfgrandlyon_south", "my_grdfgrandlyon", "undelete"])
def test_similar_ids_are_taken(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", f"grdf_adict, {named}")
    assert settings.connections() == ("grdf_adict", named)
