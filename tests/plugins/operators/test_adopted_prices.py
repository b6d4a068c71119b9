"""Adoption in a real CouchDB keeps the prices on the konnector's documents, wherever it is cut off."""

from __future__ import annotations

import itertools
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.errors import ServiceUnavailable
from tests.konnector_house import DOCTYPES, House, adopt, at_request
from tests.runs.proxy import Proxy

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

EXPECTED = {
    "2024-01-01": (40, 4.1, None),
    "2024-01-02": (41, 4.2, None),
    "2024-01-03": (43, None, {"price": 4.3, "load": 42}),
    "2024-01-04": (44, 5.5, None),
    "2024-01": (168, None, {"price": 16.9, "load": 167}),
    "2024": (168, 17, None),
    "2020-11": (310.25, 31, None),
    "2020": (310.25, 31, None),
}
"""Load, price and former price after the adoption."""


def fill(house: House) -> None:
    """Store four of the konnector's days, of which three are ours too: one with another load, one with a price."""
    house.load({date(2024, 1, n): load for n, load in ((2, 41), (3, 43), (4, 44))})
    ours = house.own(DAY)["2024-01-04"]
    house.put(DAY, [{**ours, "price": 5.5}])
    old = {"load": 310.25, "year": 2020, "month": 11, "day": 0, "price": 31}
    new = {"year": 2024, "month": 1, "day": 1}
    house.put(DAY, [
        {"_id": f"day{n}", "load": load, **new, "day": n, "price": price}
        for n, load, price in ((1, 40, 4.1), (2, 41, 4.2), (3, 42, 4.3), (4, 44, 4.4))
    ])  # fmt: skip
    house.put(MONTH, [{"_id": "month-2020", **old}, {"_id": "month", "load": 167, **new, "price": 16.9}])
    house.put(YEAR, [{"_id": "year-2020", **old, "month": 0}, {"_id": "year", "load": 168, **new, "price": 17}])


def said(house: House) -> dict[str, tuple[Any, Any, Any]]:
    return {
        period: (each["load"], each.get("price"), each.get("former_price"))
        for doctype in DOCTYPES
        for period, each in house.own(doctype).items()
    }


def test_prices_come_along(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(world, monkeypatch)
    fill(house)
    assert adopt()["removed"] == 8
    assert said(house) == EXPECTED
    assert house.theirs() == []
    before = house.revisions()
    adopt()
    assert house.revisions() == before, "twice is once"
    house.load({date(2024, 1, 1): 39})
    assert said(house)["2024-01-01"] == (39, None, {"price": 4.1, "load": 40}), "GRDF's next word stands"
    assert said(house)["2024"] == (167, None, {"price": 17, "load": 168})
    house.place.remove()


def test_cut_off_at_each_request_and_started_again(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in itertools.count(1):
        house = House(world, monkeypatch)
        fill(house)
        with Proxy(world.couch.url, at_request(at), lambda: None).running() as proxy:
            house.use(proxy.port)
            try:
                adopt()
            except ServiceUnavailable:
                cut = True
            else:
                cut = False
        house.use()
        adopt()
        assert said(house) == EXPECTED
        house.place.remove()
        if not cut:
            break
    assert at > 15
