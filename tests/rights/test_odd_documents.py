"""One odd document among a household's, left by another program, stops nothing: not its own check, not the others'."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY, PUBLISHED
from tests.helpers import days_of, holder, stored, yesterday
from tests.rights.scene import OUTDATED, bring, check, document, other_of, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

PERIOD = {"load": 5, "first": "2020-01-01", "end": "2020-02-01"}
ODD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a period without its first day": (PUBLISHED, "2020-01-01", {"load": 5}),
    "a period that ends at a moment": (PUBLISHED, "2020-01-01", PERIOD | {"end": "2020-02-01 06:00"}),
    "a period without end": (PUBLISHED, "2020-01-01", PERIOD | {"end": "9999-12-31"}),
    "a period read at no moment": (PUBLISHED, "2020-01-01", PERIOD | {"read_at": "soon"}),
    "a day of the year 99999": (DAY, "2020-01-01", {"load": 5, "year": 99999, "month": 1, "day": 1}),
    "a day of the year 9999": (DAY, "9999-12-31", {"load": 5, "year": 9999, "month": 12, "day": 31}),
    "a day of month 13": (DAY, "2020-01-01", {"load": 5, "year": 2020, "month": 13, "day": 1}),
    "a day read at no moment": (DAY, "2020-01-01", {"load": 5, "read_at": 5}),
    "a note": (DAY, "note", {"text": "seen by another program"}),
}


@pytest.mark.parametrize("name", ODD)
def test_the_check_takes_back_the_next_tenants_days_and_goes_on(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    pce, other = holder(account_id).pces[0], other_of(account_id)
    right, others = bring(clean, account_id, pce), bring(clean, other, holder(other).pces[0])
    run(clean, account_id)
    check()
    before = days_of(stored(couchdb, account_id, pce))
    doctype, end, fields = ODD[name]
    odd = {"_id": f"{account_id}:{pce}:{end}", "account": account_id, "pce": pce} | fields
    couchdb.write(doctype, [odd])

    clean.control.revoke(right)
    clean.control.consent([pce], conso_debut=str(yesterday(clean) - timedelta(days=20)), keep_others=True)
    clean.control.correct(pce, yesterday(clean) - timedelta(days=3), 777)
    run(clean, account_id)
    clean.control.revoke(others)
    counts = check()

    assert counts["odd"] == 0
    assert [document(clean, each)["state"] for each in (account_id, other)] == [OUTDATED, OUTDATED]
    (left,) = couchdb.fetch(doctype, [odd["_id"]]).values()
    assert left.items() >= odd.items(), "what another program has written is its own"
    couchdb.write(doctype, [left | {"_deleted": True}])
    figures, gone = stored(couchdb, account_id, pce), str(yesterday(clean) - timedelta(days=3))
    days = days_of(figures)
    assert days == {day: kwh for day, kwh in before.items() if day != gone}
    for month in {day[: len("2026-10")] for day in days}:
        assert figures[month] == sum(kwh for day, kwh in days.items() if day.startswith(month))


def test_an_error_about_one_account_stops_no_other(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    other = other_of(account_id)
    rights = [bring(clean, each, holder(each).pces[0]) for each in (account_id, other)]
    check()
    for right in rights:
        clean.control.revoke(right)
    from grdf.operators.check_consents import CheckConsentsOperator

    usual = CheckConsentsOperator._give_back

    def stumbles(self: CheckConsentsOperator, round_: Any, stored: dict[str, Any], *more: Any) -> None:
        if stored["_id"] == account_id:
            raise ValueError("could not convert string to float: '812 kWh'")
        usual(self, round_, stored, *more)

    monkeypatch.setattr(CheckConsentsOperator, "_give_back", stumbles)
    assert check()["odd"] == 1
    said = capsys.readouterr()
    (told,) = [line for line in f"{said.out}{said.err}".splitlines() if f"Account {account_id} is left unch" in line]
    assert "docs/documents.md" in told
    assert "812" not in told, "Python quotes the field, which may say what somebody used"
    assert document(clean, other)["state"] == OUTDATED
