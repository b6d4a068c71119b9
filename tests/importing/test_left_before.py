"""Which deletions an import respects: those that remove the data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import ServiceUnavailable
from include.gas.importing import line_check
from tests.importing.scene import put, puts, records, result, rights, run
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_the_id_of_who_has_left_is_not_used_again(clean: LocalWorld, home: dict[str, str]) -> None:
    account = home["account"]
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, started=datetime.now(UTC))
    put([home])
    assert run(dry_run=True) == {"refused": 1}
    assert result()[0]["reason"] == line_check.LEFT
    assert document(clean, account) == {}
    put([home | {"account": ""}])
    assert run() == {"declared": 1}, "it has come back"


def test_who_leaves_while_the_import_is_in_progress(clean: LocalWorld, home: dict[str, str]) -> None:
    account, started = home["account"], datetime.now(UTC)
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, steps=("check", "mark", "revoke"), started=started)
    put([home])
    assert run(dry_run=True) == {"wrong": 1}
    assert "it is leaving" in result()[0]["reason"]
    assert (puts(clean), records(account)) == (0, [])


def test_the_id_of_who_is_gone_is_not_used_again_before_the_deletion_has_ended(
    clean: LocalWorld, home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.airflow import airflow_history

    def fail(*_: object, **__: object) -> None:
        raise ServiceUnavailable.about(None, "Airflow is down")

    account, started = home["account"], datetime.now(UTC)
    put([home])
    assert run() == {"declared": 1}
    with monkeypatch.context() as patch:
        patch.setattr(airflow_history, "remove_history", fail)
        with pytest.raises(ServiceUnavailable):
            delete(account, started=started)
    put([home])
    assert run() == {"refused": 1}
    assert document(clean, account) == {}
    delete(account, steps=("purge",), started=started)
    assert all(right["etat_droit_acces"] == "Révoquée" for right in rights(clean) if right["id_pce"] == home["pce"])


def test_a_deletion_that_keeps_the_data_hinders_no_import(clean: LocalWorld, home: dict[str, str]) -> None:
    """It has revoked the former consent, and the household gives a new one."""
    account = home["account"]
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, form={"keep_data": True}, started=datetime.now(UTC))
    put([home])
    assert run() == {"declared": 1}
