"""Published periods: parsed, stored once per first day, and compared with the days without changing them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.published import PERIODS, Period, read_published
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.asked_days import published_window
from include.gas.days.windows import Window
from include.gas.documents.billing.comparison import compare, compare_all
from include.gas.documents.billing.periods import merge_period, period_document, period_of
from include.gas.documents.doctypes import DATA, PUBLISHED
from include.gas.documents.gas_days import CHANGES_KEPT, account_range, day_id
from include.gas.errors import ConsentLost, ConsentTooNarrow, PartialAnswer, ServiceUnavailable

PCE = "09900000000017"
WINDOW = Window(date(2024, 1, 1), date(2024, 6, 1))
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)
TODAY = date(2024, 6, 1)
READ_AT = "2024-06-01T11:00:00+00:00"


def line(
    first: str = "2024-03-01T06:00:00+01:00", end: str = "2024-04-01T06:00:00+02:00", **use: Any
) -> dict[str, Any]:
    reading = {"raison_releve": "RNO", "qualite_releve": "Mesure", "statut_releve": "Normal"}
    return {
        "pce": {"id_pce": PCE},
        "periode": {"valeur": None, "date_debut": "2024-01-01", "date_fin": "2024-06-01"},
        "releve_debut": {"date_releve": first, **reading},
        "releve_fin": {"date_releve": end, **reading},
        "consommation": {
            "date_debut_consommation": first, "date_fin_consommation": end, "journee_gaziere": None,
            "volume_brut": 171, "energie": 1922, "coeff_calcul": {"coeff_conversion": 11.24},
            "type_qualif_conso": "Mesuré", "sens_flux_gaz": "Consommation", "statut_conso": "Définitive",
            "type_conso": "Publiée", **use,
        },
        "bordereau_publication": {"date_debut_bordereau": None, "date_fin_bordereau": None, "nb_jour_gazier": None},
        "statut_restitution": None,
    }  # fmt: skip


def refused(code: str, message: str = "non", **more: Any) -> dict[str, Any]:
    return line() | {"consommation": None, "statut_restitution": {"code": code, "message": message}, **more}


def read(*lines: Any, window: Window = WINDOW) -> Answer[Period]:
    return read_published(
        "\n".join(json.dumps(each) for each in lines), account="a", pce=PCE, window=window, today=TODAY
    )


def kinds(answer: Answer[Period]) -> dict[str, int]:
    return {kind: count for kind, count in answer.counts.items() if count and kind != "lines"}


def test_a_billing_month() -> None:
    answer = read(line())
    assert answer.rows == (Period(MARCH, APRIL, 1922, 11.24, 171.0, "RNO", "definitive", "measured"),)
    assert len(answer.rows[0]) == 31
    assert answer.counts == dict.fromkeys(PERIODS.counted, 0) | {"lines": 1, "periods": 1}
    assert answer.problem() is None


@pytest.mark.parametrize(
    ("first", "end"),
    [
        ("2024-03-01", "2024-04-01"),  # plain dates are the labels themselves
        ("2024-03-01T05:00:00+00:00", "2024-04-01T04:00:00+00:00"),  # the same instants in UTC
        ("2024-03-01T06:00:00", "2024-04-01T06:00:00"),  # no offset: Paris
        ("2024-03-01T06:00:00+02:00", "2024-04-01T06:00:00+01:00"),  # the offset of the other season
        ("2024-03-01T00:00:00+01:00", "2024-04-01T00:00:00+02:00"),  # civil days
    ],
)
def test_bounds(first: str, end: str) -> None:
    (period,) = read(line(first, end)).rows
    assert (period.first, period.end) == (MARCH, APRIL)


def test_of_two_rows_with_the_same_start_the_latest_end_counts() -> None:
    twin = line(end="2024-03-02T06:00:00+01:00", energie=None, type_qualif_conso="Absence de Données")
    short = line(end="2024-03-15T06:00:00+01:00", energie=900)
    for rows in ([twin, short, line()], [line(), short, twin], [short, line(), twin]):
        answer = read(*rows)
        assert [(period.first, period.end, period.load) for period in answer.rows] == [(MARCH, APRIL, 1922)]
        assert kinds(answer) == {"periods": 1, "duplicate": 1, "absent": 1}
        assert answer.absent == ()


@pytest.mark.parametrize("later", [APRIL, date(2024, 5, 1)])
def test_a_provisional_row_replaces_no_definitive_one_unless_it_ends_later(later: date) -> None:
    definitive = line()
    provisional = line(end=f"{later}T06:00:00+02:00", energie=1800, statut_conso="Provisoire")
    expected = (1922, "definitive") if later == APRIL else (1800, "provisional")
    for rows in ([definitive, provisional], [provisional, definitive]):
        assert [(row.load, row.status) for row in read(*rows).rows] == [expected]
    assert [row.load for row in read(definitive, line(energie=1923)).rows] == [1923]


def test_a_longer_row_without_data_hides_nothing() -> None:
    answer = read(line(), line(end="2024-05-01T06:00:00+02:00", energie=None))
    assert [period.end for period in answer.rows] == [APRIL]


@pytest.mark.parametrize("energy", ["1922", True, float("nan"), -1, 10**12, [], {}])
def test_an_energy_that_is_none_is_broken(energy: Any) -> None:
    assert kinds(read(line(energie=energy))) == {"broken": 1}


def test_every_line_is_counted_once() -> None:
    answer = read(
        line(),
        line("2024-02-01T06:00:00+01:00", "2024-03-01T06:00:00+01:00", energie=None),
        line() | {"pce": {"id_pce": "09900000000018"}},
        line(sens_flux_gaz="Production"),
        line(type_conso="Informative Journalier"),
        line("2023-03-01T06:00:00+01:00", "2023-04-01T06:00:00+02:00"),
        line("2024-03-01T06:00:00+01:00", "2024-03-01T06:00:00+01:00"),
        line("gestern", "heute") | {"releve_debut": None, "releve_fin": None},
        refused("1000008"),
        refused("2000100"),
        {"odd": 1},
    )
    assert kinds(answer) == {
        "periods": 1, "absent": 1, "foreign": 3, "outside": 1, "broken": 3, "status": 1, "refused": 1,
    }  # fmt: skip
    assert answer.counts["lines"] == sum(kinds(answer).values()) == 11
    assert answer.absent == (date(2024, 2, 1),)
    assert isinstance(answer.problem(), PartialAnswer)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([refused("1000009")], ConsentTooNarrow), ([refused("1000014"), line()], ConsentLost),
        ([refused("1000008")], None), ([], None), (['{"pce"'], ServiceUnavailable), ([line(), {"odd": 1}], None),
    ],
)  # fmt: skip
def test_problems(rows: list[Any], error: type[Exception] | None) -> None:
    text = "".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    found = read_published(text, account="a", pce=PCE, window=WINDOW, today=TODAY).problem()
    assert (found and type(found)) is error


def test_a_period_that_ends_in_the_far_future_takes_no_other_ones_place() -> None:
    """One row of GRDF's with a wrong year, beside the right one, in any order."""
    wrong = line(end="2099-12-31T06:00:00+01:00")
    for rows in ([line(), wrong], [wrong, line()]):
        answer = read(*rows)
        assert [(row.first, row.end) for row in answer.rows] == [(MARCH, APRIL)]
        assert len(answer.broken) == 1
        assert "ends in the future" in answer.broken[0]
        assert not answer.whole
    nominal = read(line(first="2024-05-15T06:00:00+02:00", end="2024-06-15T06:00:00+02:00"))
    assert len(nominal.rows) == 1
    assert len(read(line(end="2024-12-18T06:00:00+01:00")).rows) == 1
    assert not read(line(end="2024-12-19T06:00:00+01:00")).rows


def test_five_years_in_one_call() -> None:
    assert published_window(date(2026, 3, 10)) == Window(date(2021, 3, 12), date(2026, 3, 10))
    assert published_window(date(2028, 2, 29)) == Window(date(2023, 3, 3), date(2028, 2, 29))


def test_a_document_and_back() -> None:
    (period,) = read(line()).rows
    document = period_document("home", PCE, period, READ_AT)
    assert document == {
        "_id": f"home:{PCE}:2024-03-01", "account": "home", "pce": PCE, "load": 1922,
        "first": "2024-03-01", "end": "2024-04-01", "days": 31,
        "year": 2024, "month": 3, "day": 1, "hour": 0, "minute": 0,
        "coefficient": 11.24, "volume": 171.0, "reason": "RNO", "status": "definitive", "quality": "measured",
        "read_at": "2024-06-01T11:00:00.000000Z",
    }  # fmt: skip
    assert period_of(document) == period
    start, end = account_range("home")
    assert start < document["_id"] < end
    assert PUBLISHED in DATA, "a household that leaves takes its periods along"


def test_merging() -> None:
    period = Period(MARCH, APRIL, 1922, 11.24)
    first = period_document("home", PCE, period, READ_AT)
    assert merge_period(None, first) == first
    stored = {**first, "_rev": "1-a", "other": 1}
    assert merge_period(stored, period_document("home", PCE, period, "2024-07-01T11:00:00+00:00")) is None
    assert merge_period(stored | {"volume": 171, "reason": "RNO"}, first) is None, "it is left out once"
    corrected = Period(MARCH, date(2024, 3, 20), 1200, 11.24)
    new = merge_period(stored, period_document("home", PCE, corrected, "2024-07-01T11:00:00+00:00"))
    assert new is not None
    assert (new["load"], new["end"], new["_rev"], new["other"]) == (1200, "2024-03-20", "1-a", 1)
    assert new["changes"] == [{"at": "2024-07-01T11:00:00.000000Z", "before": 1922, "after": 1200, "end": "2024-04-01"}]
    for n in range(CHANGES_KEPT + 3):
        again = period_document("home", PCE, Period(MARCH, APRIL, n), "2024-08-01T11:00:00+00:00")
        new = merge_period(new, again)
        assert new is not None
    assert len(new["changes"]) == CHANGES_KEPT
    assert new["changes"][-1]["after"] == CHANGES_KEPT + 2


def loads(each: int = 62, *, first: date = MARCH, days: int = 31) -> dict[date, int]:
    return {first + timedelta(days=n): each for n in range(days)}


@pytest.mark.parametrize(
    ("published", "beyond"),
    [(31 * 62, False), (31 * 62 + 31, False), (31 * 62 + 42, False), (31 * 62 + 43, True),
     (31 * 62 - 11, False), (31 * 62 - 12, True), (0, True)],
)  # fmt: skip
def test_rounding(published: int, beyond: bool) -> None:
    found = compare(Period(MARCH, APRIL, published, 11.24), loads())
    assert found.beyond_rounding is beyond
    assert (found.stored, found.missing_days) == (1922, 0)
    assert found.difference == published - 1922


def test_missing_days_are_counted_and_make_a_difference() -> None:
    stored = loads()
    del stored[MARCH + timedelta(days=4)]
    found = compare(Period(MARCH, APRIL, 1922, 11.24), stored)
    assert (found.missing_days, found.stored, found.beyond_rounding) == (1, 1860, True)


@given(st.integers(1, 62), st.data())
def test_what_grdf_rounds_is_no_difference(days: int, data: Any) -> None:
    """Days use volumes in tenths of m³, floored to kWh; the period uses whole m³ of an index, floored."""
    coefficient = data.draw(st.integers(9800, 11500)) / 1000
    volumes = data.draw(st.lists(st.integers(0, 250), min_size=days, max_size=days))
    start = data.draw(st.integers(0, 9))  # tenths of m³ on the index before
    whole = (start + sum(volumes)) // 10 - start // 10
    period = Period(MARCH, MARCH + timedelta(days=days), int(whole * coefficient), coefficient)
    stored = {MARCH + timedelta(days=n): int(volume / 10 * coefficient) for n, volume in enumerate(volumes)}
    assert not compare(period, stored).beyond_rounding


def day_documents(found: dict[date, int]) -> list[dict[str, Any]]:
    return [
        {"_id": day_id("home", PCE, day), "year": day.year, "month": day.month, "day": day.day, "load": load}
        for day, load in found.items()
    ]


def test_periods_before_the_first_stored_day_are_not_compared() -> None:
    periods = [
        period_document("home", PCE, Period(first, end, 1922, 11.24), READ_AT)
        for first, end in ((APRIL, date(2024, 5, 1)), (date(2024, 2, 1), MARCH), (MARCH, APRIL))
    ]
    found = compare_all(periods, day_documents(loads()))
    assert [(each.first, each.missing_days) for each in found] == [(MARCH, 0), (APRIL, 30)]
    assert compare_all(periods, []) == ()


def test_what_others_have_damaged_is_not_compared() -> None:
    good = period_document("home", PCE, Period(MARCH, APRIL, 1922, 11.24), READ_AT)
    days = day_documents(loads())
    expected = compare_all([good], days)
    note = days[0] | {"_id": f"{days[0]['_id']}-note", "load": 5000}
    assert compare_all([good], [*days, note, days[0] | {"month": 13}]) == expected
    for damage in (
        {"first": None},
        {"first": "2024-03-02"},
        {"end": "9999-12-31"},
        {"load": "x"},
        {"end": 7},
        {"coefficient": "abc"},
    ):
        assert compare_all([good | damage], days) == ()
