"""A stored day that another program has damaged stops no adoption: it counts as not stored, as for a load."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.gas.documents.doctypes import DAY
from tests.gas.adoption import ACCOUNT, FIRST, PCE, assert_totals, ours, own, run
from tests.gas.konnector_store import konnector, shelf


@pytest.mark.parametrize("damage", [{"month": 13}, {"day": "first"}, {"year": 99999}, {"load": "60"}, {"load": None}])
def test_the_konnectors_figure_takes_its_place(damage: dict[str, Any]) -> None:
    store = shelf(day=[konnector(FIRST, 55), konnector(FIRST + timedelta(days=2), 8)])
    ours(store, {0: 60, 1: 7})
    store.docs[DAY][f"{ACCOUNT}:{PCE}:{FIRST}"] |= damage
    counts = run(store).counts()
    assert (counts["days_adopted"], counts["days_ours"]) == (2, 0)
    assert {day: document["load"] for day, document in own(store, DAY).items()} == {
        str(FIRST): 55, str(FIRST + timedelta(days=1)): 7, str(FIRST + timedelta(days=2)): 8
    }  # fmt: skip
    assert_totals(store)


def test_a_note_between_the_days_stays_and_counts_for_nothing() -> None:
    store = shelf(day=[konnector(FIRST + timedelta(days=2), 8)])
    ours(store, {0: 60, 1: 7})
    note = {"_id": f"{ACCOUNT}:{PCE}:{FIRST}-note", "_rev": "1-a", "account": ACCOUNT, "pce": PCE, "load": 5000}
    store.docs[DAY][note["_id"]] = note | {"year": 2023, "month": 12, "day": 27}
    assert run(store).counts()["days_adopted"] == 1
    assert store.docs[DAY].pop(note["_id"])["load"] == 5000
    assert_totals(store)
