"""What days cost: the prices that are taken over, what each day, month and year gets, and what is restated."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.prices import PriceTable, price_documents, read_price_documents, read_price_file
from include.gas.errors import BadRequest
from tests.gas.memory_store import PCE, MemoryStore, put

JANUARY = date(2024, 1, 1)
ALL = Window(JANUARY, date(2025, 1, 1))


def table(*lines: str) -> PriceTable:
    return read_price_file("\n".join(("first,end,price", *lines)).encode())


def store_with(prices: PriceTable) -> MemoryStore:
    """Days 10, 20 and 30 of January, 1 and 2 of February 2024, with 10 kWh each."""
    store = MemoryStore()
    put(store, dict.fromkeys((9, 19, 29, 31, 32), 10), first=JANUARY, window=ALL, prices=prices)
    return store


def load_again(store: MemoryStore, prices: PriceTable, loads: Any = None, minutes: float = 1) -> set[str]:
    """Return which documents a load has written."""
    before = store.revs()
    put(store, loads or {}, minutes, first=JANUARY, window=ALL, prices=prices)
    return {key.rpartition(":")[2] for key, rev in store.revs().items() if before.get(key) != rev}


def prices_of(store: MemoryStore, doctype: str) -> dict[str, Any]:
    return {each["_id"].rpartition(":")[2]: each.get("price") for each in store.docs[doctype].values()}


def test_a_corrected_day_or_table_restates_what_it_concerns_and_nothing_costs_a_call_more() -> None:
    store = store_with(old := table("2024-01-01,,0.1"))
    assert len(store.calls) == 6
    store.calls.clear()
    assert (load_again(store, old), len(store.calls)) == (set(), 3)
    assert load_again(store, old, {9: 25}) == {"2024-01-10", "2024-01", "2024"}
    assert (store.get(DAY, "2024-01-10")["price"], store.get(MONTH, "2024-01")["price"]) == (2.5, 4.5)
    new = table("2024-01-01,,0.1", "2024-01-15,2024-01-25,0.2", "2024-01-25,,0.1")
    assert load_again(store, new) == {"2024-01-20", "2024-01", "2024"}
    assert (prices_of(store, MONTH), prices_of(store, YEAR)) == ({"2024-01": 5.5, "2024-02": 2.0}, {"2024": 7.5})


def test_a_month_with_a_day_without_a_price_has_none_and_anothers_stay_where_the_table_says_nothing() -> None:
    store = store_with(PriceTable())
    assert {*prices_of(store, DAY).values(), *prices_of(store, MONTH).values()} == {None}
    for doctype, period in ((DAY, "2024-01-10"), (DAY, "2024-02-01"), (MONTH, "2024-01"), (YEAR, "2024")):
        store.write(doctype, [store.get(doctype, period) | {"price": 9.9}])
    february = table("2024-02-01,2024-02-02,0.1")
    load_again(store, february)
    assert prices_of(store, DAY) == {
        "2024-01-10": 9.9, "2024-01-20": None, "2024-01-30": None, "2024-02-01": 1.0, "2024-02-02": None,
    }  # fmt: skip
    assert prices_of(store, MONTH) == {"2024-01": 9.9, "2024-02": None}
    assert (prices_of(store, YEAR), store.get(YEAR, "2024")["priced_days"]) == ({"2024": None}, 2)
    load_again(store, table("2024-01-01,,0.1"))
    assert (prices_of(store, MONTH), prices_of(store, YEAR)) == ({"2024-01": 3.0, "2024-02": 2.0}, {"2024": 5.0})
    assert load_again(store, PriceTable()) == set(), "what was written stays"


@pytest.mark.parametrize(("lines", "words"), [
    (["2024-01-01,2024-02-01,0.1", "2024-02-02,,0.1"], ("line 3", "without a price", "2024-02-01")),
    (["2024-01-01,2024-02-02,0.1", "2024-02-01,,0.1"], ("line 3", "overlaps")),
    (["2024-01-01,,0.1", "2024-01-01,,0.2"], ("line 3", "another price")),
    (["2024-01-01,,10.4"], ("line 2", "10.4", "cents")), (["2024-01-01,,104"], ("line 2", "MWh")),
    (["2024-01-01,,-0.1"], ("line 2", "-0.1")), (["2024-01-01,,nan"], ("line 2", "nan")),
    (["2024-01-01,,"], ("line 2", "''")), (["2024-01-01,,ten"], ("line 2", "ten")),
    (["01/02/2024,,0.1"], ("line 2", "YYYY-MM-DD")), (["2024-02-01,2024-01-01,0.1"], ("line 2", "before it begins")),
    (["2024-01-01,0.1"], ("line 2", "2 cells")), (["2024-01-01,,0,1043"], ("line 2", "4 cells", "semicolons")),
])  # fmt: skip
def test_prices_that_cannot_be_right_are_named_by_their_line(lines: list[str], words: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest) as refused:
        table(*lines)
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_file_as_a_french_spreadsheet_saves_it_is_read() -> None:
    found = read_price_file(
        "\ufefffirst;end;price\r\n2024-02-01;;0,1043\r\n2024-01-01;2024-02-01;0,0998\r\n;;\r\n".encode()
    )
    assert [found.price_load(100, date(2024, month, day)) for month, day in ((1, 31), (2, 1))] == [9.98, 10.43]
    assert found.price_load(57, date(2024, 2, 1)) == 5.9451, "more than cents"
    assert found.find_price(date(2023, 12, 31)) is None
    for content, said in ((b"", "first line"), (b"first,end,price\n,,\n", "no price")):
        with pytest.raises(BadRequest, match=said):
            read_price_file(content)


def test_cozys_table_is_read_as_its_back_office_keeps_it() -> None:
    found = table("2024-01-01,,0.1", "2024-07-01,,0.2")
    assert read_price_documents(price_documents(found)[::-1]) == found
    of_gas = {"fluidType": 2, "_id": "a"}
    in_paris = [
        of_gas | {"startDate": "2023-12-31T23:00:00.000Z", "endDate": "2024-06-30T21:59:00.000Z", "price": 0.1},
        of_gas | {"startDate": "2024-06-30T22:00:00.000Z", "endDate": None, "price": 0.2},
    ]
    electricity = {"fluidType": 0, "price": "?"}
    assert read_price_documents([*in_paris, electricity]) == found
    with pytest.raises(BadRequest, match=r"document a: .*is not a day"):
        read_price_documents([of_gas])
    assert PCE not in str(found)
