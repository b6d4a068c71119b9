"""The list of databases; day documents and their ids, how readings are merged into them, and their exact sums."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.documents import day_documents as d
from include.gas.documents import doctypes
from include.gas.documents.totals import exact_sum, merge_total, month_documents, year_documents
from tests.gas.memory_store import PCE, T0

DAY = date(2024, 3, 28)
ACCOUNTS = st.from_regex(r"[aAzZ09-][aAzZ09_-]{0,5}", fullmatch=True)
PCES = st.sampled_from([PCE, "09900000000018", "00000000000000", "99999999999999", "GI000042", "GI000043"])
DAYS = st.dates(date(1999, 12, 1), date(2031, 2, 1))
LOADS = st.integers(0, 10_000_000) | st.floats(0, 10_000_000, allow_nan=False)


def day(when: date, load: Any, **more: Any) -> dict[str, Any]:
    return d.day_document("a", Reading(when, load), PCE, T0) | more


def test_names() -> None:
    assert d.database_name(doctypes.DAY) == "com-grandlyon-grdf-day"
    assert d.database_name(doctypes.ACCOUNT, "cozy/") == "cozy/io-cozy-accounts"
    assert d.day_id("a", PCE, DAY) == f"a:{PCE}:2024-03-28"
    assert d.day_of_id(d.day_id("a", PCE, DAY)) == DAY
    assert d.month_id("a", PCE, 2024, 3) == f"a:{PCE}:2024-03"
    assert d.year_id("a", PCE, 2024) == f"a:{PCE}:2024"
    assert d.dag_id("a_b-C9") == "grdf_account__a_b-C9"
    with pytest.raises(ValueError, match="must start before it ends"):
        d.id_range("a", PCE, DAY, DAY)
    ids = d.possible_ids("a", "p", range(2023, 2025))
    days = ("a:p:2023-01-01", "a:p:2024-12-31", 731)
    assert {doctype: (found[0], found[-1], len(found)) for doctype, found in ids.items()} == {
        doctypes.DAY: days, doctypes.PUBLISHED: days, doctypes.MONTH: ("a:p:2023-01", "a:p:2024-12", 24),
        doctypes.YEAR: ("a:p:2023", "a:p:2024", 2),
    }  # fmt: skip


def test_the_list_is_whole() -> None:
    constants = {value for name, value in vars(doctypes).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(doctypes.DOCTYPES)
    assert len(doctypes.DOCTYPES) == len(constants)
    assert set(doctypes.DATA) >= {each.doctype for each in doctypes.DATABASES if each.indexes}
    # Names, addresses and tokens of households, and what approves a deletion, are not where the gas data are.
    gas = {doctypes.DAY, doctypes.MONTH, doctypes.YEAR, doctypes.PUBLISHED}
    assert set(doctypes.FOR_READERS) - {doctypes.PRICES} == gas <= set(doctypes.DATA)
    assert set(doctypes.DOCTYPES) - set(doctypes.REQUIRED) == {doctypes.PRICES, doctypes.CITY}
    assert doctypes.database(doctypes.DOCTYPES[0]) is doctypes.DATABASES[0]
    with pytest.raises(ValueError, match="add it"):
        doctypes.database("com.grandlyon.grdf.new")


def test_odd_account_ids_and_other_dags_are_refused() -> None:
    for account in ("", "a b", "a:b", "é", "a" * 129, "a\n", "_", "_a", "_design", "_all_docs", None, 7):
        with pytest.raises(ValueError, match="is not an account id"):
            d.dag_id(account)
    for dag_id in ("grdf_history", *(f"grdf_account__{odd}" for odd in ("", "a b", "_all_docs")), "x_grdf_account__a"):
        assert d.account_of(dag_id) is None
        with pytest.raises(ValueError, match="is not an account id"):
            d.check_account_dag(dag_id)


@given(st.lists(st.tuples(ACCOUNTS, PCES, DAYS), max_size=25), ACCOUNTS, PCES, DAYS, st.integers(1, 900))
def test_ranges_of_ids_hold_exactly_their_days(
    stored: list[tuple[str, str, date]], account: str, pce: str, first: date, length: int
) -> None:
    assert d.account_of(d.dag_id(account)) == account
    assert d.check_account_dag(d.dag_id(account)) == d.dag_id(account)
    end = first + timedelta(days=length)
    # The nearest other documents: accounts with the same beginning or end, and days just outside the range.
    near = [account, account[:-1] or "a", "-" + account, account + "-b", *(account + letter for letter in "aZ0_-")]
    stored += [(who, pce, when) for who in near for when in (first, end)]
    stored += [(account, pce, first - timedelta(days=1)), (account, "GI999999", first), (account, "0" * 14, first)]
    low, high = d.id_range(account, pce, first, end)
    found = {each for each in stored if low <= d.day_id(*each) <= high}
    assert found == {
        (who, meter, when) for who, meter, when in stored if (who, meter) == (account, pce) and first <= when < end
    }
    for who, meter, when in stored:
        low, high = d.account_range(account)
        only, last = d.account_range(account, pce)
        for key in (d.day_id(who, meter, when), d.month_id(who, meter, when.year, 2), d.year_id(who, meter, when.year)):
            assert (low <= key <= high) == (who == account)
            assert (only <= key <= last) == ((who, meter) == (account, pce))


def test_a_day_document() -> None:
    assert day(DAY, 60) == {
        "_id": f"a:{PCE}:2024-03-28", "account": "a", "pce": PCE, "load": 60, "year": 2024, "month": 3, "day": 28,
        "hour": 0, "minute": 0, "status": "provisional", "quality": "measured",
        "read_at": "2024-04-02T09:00:00.000000Z",
    }  # fmt: skip
    assert d.day_of(day(DAY, 60)) == d.day_of({"_id": f"a:{PCE}:2024-03-28"}) == DAY


def test_merging_days() -> None:
    new, later = day(DAY, 60), {"read_at": "2024-04-03T00:00:00Z"}
    trace = [{"at": new["read_at"], "before": 59, "after": 60, "status": "provisional"}]
    assert d.merge_day(None, new) == new
    assert d.merge_day(new | {"_rev": "1-a"}, new | later) is None
    assert d.merge_day(new | {"load": 59, "_rev": "1-a", "x": 1}, new) == new | {
        "_rev": "1-a", "x": 1, "changes": trace,
    }  # fmt: skip
    assert d.merge_day(new | {"status": "definitive"}, new) == new
    assert d.merge_day(new | {"quality": "estimated"}, new) == new
    assert d.merge_day(new | {"load": 59} | later, new) is None
    foreign = d.merge_day({"_id": new["_id"], "_rev": "1-a", "load": 1}, new)
    assert foreign == new | {"_rev": "1-a", "changes": [trace[0] | {"before": 1}]}
    document = day(DAY, 0)
    for load in range(1, 15):
        document = d.merge_day(document, day(DAY, load, read_at=f"2024-04-{load + 2:02d}T00:00:00Z")) or {}
    assert [(each["before"], each["after"]) for each in document["changes"]] == [(n - 1, n) for n in range(5, 15)]
    assert d.CHANGES_KEPT == 10
    assert d.merge_day(document, day(DAY, 14, read_at="2024-05-01T00:00:00Z")) is None, "no change, no trace"


@given(st.lists(st.tuples(DAYS, LOADS), max_size=40, unique_by=lambda pair: pair[0]), st.randoms(use_true_random=False))
def test_totals_are_the_exact_sums_in_any_order(pairs: list[tuple[date, Any]], shuffle: random.Random) -> None:
    documents = [day(when, load, _rev="1-x") for when, load in pairs]
    for totals_of, length in ((month_documents, 7), (year_documents, 4)):
        totals = totals_of("a", PCE, documents)
        shuffle.shuffle(documents)
        assert totals_of("a", PCE, documents) == totals
        assert {key.split(":")[2] for key in totals} == {when.isoformat()[:length] for when, _ in pairs}
        assert sum(total["days"] for total in totals.values()) == len(pairs)
        for key, total in totals.items():
            loads = [load for when, load in pairs if key.endswith(":" + when.isoformat()[:length])]
            assert total["load"] == float(sum(Fraction(repr(load)) for load in loads))
            assert total["days"] == len(loads)


def test_a_sum_is_exact_to_the_last_digit_or_none() -> None:
    assert exact_sum([76.712, 5.5]) == 82.212
    with pytest.raises(ValueError, match="no sum"):
        exact_sum([math.inf, 1.0])


def test_merging_totals() -> None:
    (new,) = year_documents("a", PCE, [day(DAY, 60, _rev="1-a")]).values()
    (revised,) = year_documents("a", PCE, [day(DAY, 60, _rev="2-b")]).values()
    (next_day,) = year_documents("a", PCE, [day(DAY + timedelta(days=1), 60, _rev="1-a")]).values()
    assert next_day["basis"] != new["basis"]
    assert merge_total(None, new) == new
    assert merge_total(new | {"_rev": "1-t", "x": 1}, new) is None
    assert merge_total(new | {"_rev": "1-t", "x": 1}, revised) == revised | {"_rev": "1-t", "x": 1}
    assert merge_total(new | {"_rev": "1-t", "load": 1}, new) == new | {"_rev": "1-t"}
