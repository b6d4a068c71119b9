"""A deletion that is carried out once more: cleared, retried after a failure, or taken over by another run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import METER
from include.gas.errors import BadRequest, ServiceUnavailable
from tests.leaving.household import Couch, assert_gone, household, revocations, rights
from tests.leaving.steps import STARTED, delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

KEEPS = {"keep_data": True}


class Killed(BaseException):
    """The process is gone."""


def kill(*_: object, **__: object) -> None:
    raise Killed


def document(couch: Couch, account: str) -> dict[str, Any]:
    (found,) = [each for each in couch.documents("io-cozy-accounts") if each["_id"] == account]
    return found


@pytest.mark.parametrize("cleared", [True, False], ids=["the same run", "one that has its id"])
def test_it_is_asked_for_under_the_same_id_after_it_kept_the_data(
    clean: LocalWorld, account_id: str, couch: Couch, cleared: bool
) -> None:
    pces, later = household(clean, account_id), STARTED + timedelta(days=40)
    delete(account_id, form=KEEPS)
    delete(account_id, form={"keep_data": cleared}, started=later, cleared=cleared)
    assert all(each["finished_at"] for each in couch.records(account_id))
    if cleared:
        assert "leaving" not in document(couch, account_id)
    else:
        assert couch.mentions(*pces, but=("com-grandlyon-grdf-meter",)) == {}


def test_one_that_removes_takes_over_from_one_that_is_about_to_keep(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.operators.deletion.carry_out import PurgeAccountOperator

    pces, keep = household(clean, account_id), PurgeAccountOperator._keep

    def taken_over(self: PurgeAccountOperator, *args: Any) -> None:
        delete(account_id, run_id="removes", steps=("check", "mark"))
        keep(self, *args)

    monkeypatch.setattr(PurgeAccountOperator, "_keep", taken_over)
    with pytest.raises(BadRequest, match="another run has taken over"):
        delete(account_id, form=KEEPS)
    assert "leaving" in document(couch, account_id), "nothing is read for it in between"
    delete(account_id, run_id="removes", steps=("revoke", "purge"))
    assert_gone(clean, account_id, pces)


def test_who_came_back_before_it_was_closed_keeps_the_new_consent(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.operators.deletion.carry_out import PurgeAccountOperator

    keep = PurgeAccountOperator._keep

    def fail(*given: Any) -> None:
        keep(*given)
        raise ServiceUnavailable.about(None, "CouchDB is down")

    household(clean, account_id)
    delete(account_id, form=KEEPS, steps=("check", "mark", "revoke"))
    with monkeypatch.context() as patch:
        patch.setattr(PurgeAccountOperator, "_keep", fail)
        with pytest.raises(ServiceUnavailable):
            delete(account_id, form=KEEPS, steps=("purge",))
    couch.put("io-cozy-accounts", document(couch, account_id) | {"oauth": {"code": "new"}})
    delete(account_id, form=KEEPS, steps=("purge",))
    assert document(couch, account_id)["oauth"] == {"code": "new"}
    assert couch.records(account_id)[0]["finished_at"]


def test_a_right_that_another_account_uses_by_now_is_not_recorded_as_revoked(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.hooks.revocation import RevocationHook

    pces = household(clean, account_id)
    with monkeypatch.context() as patch:
        patch.setattr(RevocationHook, "revoke", kill)
        with pytest.raises(Killed):
            delete(account_id, steps=("check", "mark", "revoke"))
    (right,) = rights(clean, pces)
    given = {"pce_id": pces[0], "consents": [{"pce": pces[0], "id_accreditation": right}]}
    other = {"_id": f"{account_id}-x", "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": given}
    couch.put("io-cozy-accounts", other)
    delete(account_id, run_id="run-2")
    (record,) = couch.records(account_id)
    assert (record["revoked"], [*record["left_alone"]]) == ([], [right])


def test_one_that_is_taken_over_between_two_revocations_stops(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.hooks.revocation import RevocationHook

    household(clean, account_id, meters=2)
    delete(account_id, steps=("check", "mark"))
    revoke = RevocationHook.revoke

    def taken_over(*args: Any, **more: Any) -> None:
        revoke(*args, **more)
        delete(account_id, run_id="run-2", steps=("check", "mark"))

    monkeypatch.setattr(RevocationHook, "revoke", taken_over)
    with pytest.raises(BadRequest, match="again only if no other run is at work"):
        delete(account_id, steps=("revoke",))
    assert len(revocations(clean)) == 1


def test_killed_while_it_removes_a_meter_that_the_account_does_not_name(
    clean: LocalWorld, account_id: str, couch: Couch, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grdf.stores.removal import Remover

    pces = household(clean, account_id)
    couch.put("io-cozy-accounts", document(couch, account_id) | {"oauth_callback_results": {"consents": "odd"}})
    remove = Remover.remove_revisions

    def kill_at_meter(self: Remover, doctype: str, *args: Any) -> Any:
        return kill() if doctype == METER else remove(self, doctype, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Remover, "remove_revisions", kill_at_meter)
        with pytest.raises(Killed):
            delete(account_id)
    delete(account_id, run_id="run-2")
    assert_gone(clean, account_id, pces)
