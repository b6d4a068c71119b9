"""Answers about consumption: from the lines of gas days and of billing periods to rows, with every line counted."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import DAILY, MEASURES, Reading, parse_daily
from include.gas.answers.consumption.published import PERIODS, Period, parse_published
from include.gas.answers.consumption.sorting import SortedAnswer
from include.gas.days.asked_days import published_window
from include.gas.days.windows import Window
from include.gas.errors import (
    CredentialsRefused,
    PartialAnswer,
    RightLost,
    RightTooNarrow,
    ServiceUnavailable,
    UnknownRefusal,
)
from include.gas.meter_tag import meter_tag

PCE = "09900000000017"
TAG = meter_tag("a", PCE)
WINDOW, PERIOD = Window(date(2024, 3, 28), date(2024, 4, 2)), Window(date(2024, 1, 1), date(2024, 6, 1))
D28, D29, D30, D31 = (date(2024, 3, n) for n in (28, 29, 30, 31))
MARCH, APRIL, MAY = (date(2024, month, 1) for month in (3, 4, 5))


def line(day: str | None = "2024-03-28", energy: Any = 60, **use: Any) -> dict[str, Any]:
    return {
        "pce": {"id_pce": PCE},
        "periode": {"valeur": None, "date_debut": "2024-03-28", "date_fin": "2024-04-02"},
        "releve_debut": {"date_releve": None, "index_brut_debut": {"valeur_index": None, "horodate_Index": None}},
        "releve_fin": {"date_releve": "2024-03-29T06:00:00+01:00"},
        "consommation": {
            "date_debut_consommation": f"{day}T06:00:00+01:00", "journee_gaziere": day,
            "volume_brut": 5, "energie": energy,
            "coeff_calcul": {"coeff_pta": None, "valeur_pcs": None, "coeff_conversion": 11.21},
            "type_qualif_conso": "Mesuré", "sens_flux_gaz": "Consommation", "statut_conso": "Provisoire",
            "type_conso": "Informative Journalier", **use,
        },
        "statut_restitution": None,
    }  # fmt: skip


def billed(first: str = "2024-03-01T06:00:00+01:00", end: str = "2024-04-01T06:00:00+02:00", **use: Any) -> Any:
    usual = {"energie": 1922, "volume_brut": 171, "statut_conso": "Définitive", "type_conso": "Publiée"}
    bounds = {"date_debut_consommation": first, "date_fin_consommation": end}
    bounds |= {"coeff_calcul": {"coeff_conversion": 11.24}}
    reads = {"releve_debut": {"date_releve": first}, "releve_fin": {"date_releve": end, "raison_releve": "RNO"}}
    return line(None, **(usual | bounds | use)) | reads


def refused(code: Any, message: str = "non", **more: Any) -> dict[str, Any]:
    return line() | {"consommation": None, "statut_restitution": {"code": code, "message": message}, **more}


def text_of(lines: Any) -> str:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)


def read(*lines: Any, window: Window = WINDOW) -> SortedAnswer[Reading]:
    return parse_daily(text_of(lines), account="a", pce=PCE, window=window)


def bills(*lines: Any) -> SortedAnswer[Period]:
    return parse_published(text_of(lines), account="a", pce=PCE, window=PERIOD, today=PERIOD.end)


def kinds(answer: SortedAnswer[Any]) -> dict[str, int]:
    return {kind: count for kind, count in answer.counts.items() if count and kind != "lines"}


def test_a_reading_and_a_billing_month() -> None:
    answer = read(line())
    said = {"volume": 5, "coefficient": 11.21, "grdf_quality": "Mesuré", "grdf_status": "Provisoire"}
    assert answer.rows == (Reading(D28, 60, "provisional", "measured", said),)
    assert answer.counts == dict.fromkeys(DAILY.counted, 0) | {"lines": 1, "readings": 1}
    assert answer.error_to_raise() is None
    published = bills(billed())
    assert published.rows == (Period(MARCH, APRIL, 1922, 11.24, 171.0, "RNO", "definitive", "measured"),)
    assert (len(published.rows[0]), published.error_to_raise()) == (31, None)
    assert published.counts == dict.fromkeys(PERIODS.counted, 0) | {"lines": 1, "periods": 1}


def injected(**use: Any) -> dict[str, Any]:
    names = {
        "date_debut_consommation": "date_debut_injection", "date_fin_consommation": "date_fin_injection",
        "statut_conso": "statut_injection", "type_conso": "type_injection",
        "type_qualif_conso": "type_qualif_injection",
    }  # fmt: skip
    row = billed()
    content = {names.get(key, key): value for key, value in row.pop("consommation").items()}
    return row | {"injection": content | {"sens_flux_gaz": "Production"} | use}


def test_what_was_injected_is_no_consumption() -> None:
    lines = injected(), billed(), injected(statut_injection="Presque", debit=1)
    answer = parse_published(text_of(lines), account="a", pce=PCE, window=PERIOD, today=PERIOD.end, injected=True)
    period = Period(MARCH, APRIL, 1922, 11.24, 171.0, "RNO", "definitive", "measured", "injection")
    assert answer.rows == (period,)
    assert kinds(answer) == {"periods": 1, "absent": 1, "duplicate": 1}
    assert answer.drift == (
        "injection.statut_injection has a new word: Presque", "the key injection.debit is new (a number)",
    )  # fmt: skip
    assert kinds(bills(*lines)) == {"periods": 1, "absent": 2}


@pytest.mark.parametrize(
    ("status", "quality", "found"),
    [
        ("Définitive", "Estimé", ("definitive", "estimated")), ("DEFINITIF", "corrige", ("definitive", "corrected")),
        (" Définitive", "MESURÉE", ("definitive", "measured")),
        ("DÃ©finitive", "CorrigÃ©", ("definitive", "corrected")), ("D\ufffdfinitive", "", ("definitive", "estimated")),
        (None, "Autre", ("provisional", "estimated")), ("Provisoire", "Mesuré", ("provisional", "measured")),
    ],
)  # fmt: skip
def test_french_words(status: str | None, quality: str | None, found: tuple[str, str]) -> None:
    rows = read(line(statut_conso=status, type_qualif_conso=quality)).rows
    assert [(row.status, row.quality) for row in rows] == [found]


@pytest.mark.parametrize("energy", ["6 0", True, float("nan"), float("inf"), -1, -0.1, [], {}, 10**12, 1e300])
def test_an_energy_that_is_none_is_broken(energy: Any) -> None:
    answer = read(line(energy=energy), line("2024-03-29"))
    assert kinds(answer) == {"broken": 1, "readings": 1}
    assert answer.broken == ("gas day 2024-03-28: an energy that is not a number of kWh",)
    assert answer.error_to_raise() is None
    assert kinds(bills(billed(energie=energy))) == {"broken": 1}


def test_numbers_have_one_spelling_and_a_measured_zero_counts() -> None:
    for energy, text in ((0, "0"), (-0.0, "0"), (60.0, "60"), (60.5, "60.5")):
        assert [repr(reading.load) for reading in read(line(energy=energy)).rows] == [text]
    for energy, load in (("60", 60), ("31,24", 31.24), (" 31.240 ", 31.24), ("0", 0)):
        assert [repr(reading.load) for reading in read(line(energy=energy)).rows] == [repr(load)]
    assert kinds(read(line(energy=10**7), line("2024-03-29", 10**7 + 1))) == {"readings": 1, "broken": 1}
    assert kinds(bills(billed(energie=31 * 10**7))) == {"periods": 1}, "the highest energy is by the day"
    assert kinds(bills(billed(energie=31 * 10**7 + 1))) == {"broken": 1}


@pytest.mark.parametrize(("changed", "said"), [
    (line() | {"nouveau": {"a": 123}}, "the key nouveau is new (an object)"),
    (line(temperature=12.5), "the key consommation.temperature is new (a number)"),
    (line(coeff_calcul={"coeff_conversion": 11.2, "z2": 1}), "the key consommation.coeff_calcul.z# is new (a number)"),
    (line(energy=31.24), "consommation.energie has decimals"),
    (line(energy="31,24"), "consommation.energie is a text in place of a whole number"),
    (line(volume_brut="5"), "consommation.volume_brut is a text in place of a number"),
    (line(volume_brut=[5]), "consommation.volume_brut is a list in place of a number"),
    (line(statut_conso="Révisée"), "consommation.statut_conso has a new word: Révisée"),
    (line(type_qualif_conso="Reconstitué"), "consommation.type_qualif_conso has a new word: Reconstitué"),
    (line(statut_conso=2), "consommation.statut_conso has a new word: a number"),
    (line(coeff_calcul=11.2), "consommation.coeff_calcul is a number in place of an object"),
    (line(flag_retour_zero="Vrai"), "consommation.flag_retour_zero is a text in place of a flag"),
])  # fmt: skip
def test_what_is_new_in_a_line_is_named_without_figures_and_the_line_is_used(changed: Any, said: str) -> None:
    answer = read(changed, line("2024-03-29"))
    assert (answer.drift, [reading.day for reading in answer.rows]) == ((said,), [D28, D29])


def test_what_is_known_is_no_drift() -> None:
    for answer in (read(line(), refused("1000014"), line("2024-03-29", None)), bills(billed(flag_retour_zero=False))):
        assert answer.drift == ()
    assert len(read(*(line(**{f"key {chr(97 + number)}": 1}) for number in range(26))).drift) == 20


def test_absent_is_missing_never_zero() -> None:
    answer = read(
        line("2024-03-28", None), line("2024-03-29", 0, type_qualif_conso="Absence de Données"),
        line("2024-03-30", 9, type_qualif_conso="ABSENCE DE DONNEES"), line("2024-03-31", None),
        line("2024-03-31", 4), line() | {"consommation": None},
    )  # fmt: skip
    assert answer.absent == (D28, D29, D30)
    assert [reading.day for reading in answer.rows] == [D31]
    assert kinds(answer) == {"absent": 5, "readings": 1}


def test_the_best_of_duplicates() -> None:
    sure = {"statut_conso": "Définitive"}
    answer = read(
        line("2024-03-28", 1), line("2024-03-28", 2), line("2024-03-28", 2), line("2024-03-29", 1, **sure),
        line("2024-03-29", 2), line("2024-03-30", 1, **sure), line("2024-03-30", 2, **sure),
    )  # fmt: skip
    assert [(reading.day, reading.load) for reading in answer.rows] == [(D28, 2), (D29, 1), (D30, 2)]
    assert kinds(answer) == {"readings": 3, "duplicate": 4}


TWIN = billed(end="2024-03-02T06:00:00+01:00", energie=None, type_qualif_conso="Absence de Données")
SHORT, WRONG = billed(end="2024-03-15T06:00:00+01:00", energie=900), billed(end="2099-12-31T06:00:00+01:00")
LONG, GUESS = "2024-05-01T06:00:00+02:00", {"energie": 1800, "statut_conso": "Provisoire"}
THIS, LATER = (APRIL, 1922, "definitive"), (MAY, 1800, "provisional")


@pytest.mark.parametrize(
    ("rows", "kept", "counts"),
    [
        ([TWIN, SHORT, billed()], THIS, {"absent": 1, "periods": 1, "duplicate": 1}),
        ([billed(), SHORT, TWIN], THIS, {"absent": 1, "periods": 1, "duplicate": 1}),
        ([billed(), billed(**GUESS)], THIS, {"periods": 1, "duplicate": 1}),
        ([billed(**GUESS), billed()], THIS, {"periods": 1, "duplicate": 1}),
        ([billed(), billed(end=LONG, **GUESS)], LATER, {"periods": 1, "duplicate": 1}),
        ([billed(end=LONG, **GUESS), billed()], LATER, {"periods": 1, "duplicate": 1}),
        ([billed(), billed(energie=1923)], (APRIL, 1923, "definitive"), {"periods": 1, "duplicate": 1}),
        ([billed(), billed(end=LONG, energie=None)], THIS, {"absent": 1, "periods": 1}),
        ([WRONG, billed()], THIS, {"broken": 1, "periods": 1}),
        ([billed(), WRONG], THIS, {"broken": 1, "periods": 1}),  # one row of GRDF's with a wrong year
    ],
)
def test_of_two_rows_with_the_same_start_the_later_end_and_the_definitive_counts(
    rows: Any, kept: tuple[date, int, str], counts: dict[str, int]
) -> None:
    answer = bills(*rows)
    assert [(row.first, row.end, row.load, row.status) for row in answer.rows] == [(MARCH, *kept)]
    assert (kinds(answer), answer.absent, answer.is_complete) == (counts, (), "broken" not in counts)


def test_a_period_ends_at_most_half_a_year_and_more_in_the_future() -> None:
    assert "ends in the future" in bills(WRONG).broken[0]
    assert len(bills(billed(end="2024-12-18T06:00:00+01:00")).rows) == 1
    assert not bills(billed(end="2024-12-19T06:00:00+01:00")).rows
    assert published_window(date(2026, 3, 10)) == Window(date(2021, 3, 12), date(2026, 3, 10))
    assert published_window(date(2028, 2, 29)) == Window(date(2023, 3, 3), date(2028, 2, 29))


@pytest.mark.parametrize(
    ("first", "end"),
    [
        ("2024-03-01", "2024-04-01"),  # plain dates are the labels themselves
        ("2024-03-01T05:00:00+00:00", "2024-04-01T04:00:00+00:00"),  # the same instants in UTC
        ("2024-03-01T06:00:00", "2024-04-01T06:00:00"),  # no offset: Paris
        ("2024-03-01T06:00:00+02:00", "2024-04-01T06:00:00+01:00"),  # the offset of the other season
        ("2024-03-01T00:00:00+01:00", "2024-04-01T00:00:00+02:00"),  # civil days
        ("2024-02-29 20:00:00", "2024-03-31 20:00:00"),  # the nearest start
    ],
)
def test_bounds_of_a_period(first: str, end: str) -> None:
    of_meter = billed(date_debut_consommation=None, date_fin_consommation=None)
    of_meter |= {"releve_debut": {"date_releve": first}, "releve_fin": {"date_releve": end}}
    reads = {"releve_debut": {"date_releve": "2024-02-28"}, "releve_fin": {"date_releve": "2024-04-03"}}
    for each in (billed(first, end) | reads, of_meter):  # those of the readings count where there are no others
        assert [(period.first, period.end) for period in bills(each).rows] == [(MARCH, APRIL)]


@pytest.mark.parametrize(
    ("label", "start", "day"),
    [
        *((None, start, D29) for start in ("2024-03-29T06:00:00+01:00", "2024-03-29T05:00:00Z", "2024-03-29T06:00:00",
                                           "2024-03-30T05:59:59+01:00", "2024-03-29")),
        ("2024-03-30T00:00:00", "2024-03-29", D30),
        *((None, start, None) for start in ("soon", 5, "0001-01-01T00:00:00+14:00")),
    ],
)  # fmt: skip
def test_a_day_without_a_plain_label(label: str | None, start: Any, day: date | None) -> None:
    answer = read(line(journee_gaziere=label, date_debut_consommation=start))
    assert [reading.day for reading in answer.rows] == ([] if day is None else [day])
    assert answer.counts["broken"] == (day is None)


def test_what_is_not_ours_and_what_is() -> None:
    foreign = [
        line() | {"pce": {"id_pce": "09900000000018"}}, line() | {"pce": {"id_pce": []}},
        refused("1000014", pce={"id_pce": "09900000000018"}), line(sens_flux_gaz="Production"),
        line(type_conso="Informative horaire"), line(type_conso="Publiée"),
    ]  # fmt: skip
    answer = read(*foreign, line("2024-03-27"), line("2024-04-02"))
    assert (kinds(answer), answer.rows, answer.error_to_raise()) == ({"foreign": 6, "outside": 2}, (), None)
    assert answer.left_out == {"foreign": 6, "outside": 2}
    unnamed = line("2024-03-29")
    del unnamed["pce"]
    answer = read(line() | {"pce": {"id_pce": int(PCE)}}, unnamed, line("2024-03-30") | {"pce": {"id_pce": None}})
    assert len(answer.rows) == 3


def test_every_line_of_periods_is_counted_once() -> None:
    answer = bills(
        billed(), billed("2024-02-01T06:00:00+01:00", "2024-03-01T06:00:00+01:00", energie=None),
        billed() | {"pce": {"id_pce": "09900000000018"}}, billed(sens_flux_gaz="Production"),
        billed(type_conso="Informative Journalier"), refused("1000008"), refused("2000100"), {"odd": 1},
        billed("2023-03-01T06:00:00+01:00", "2023-04-01T06:00:00+02:00"),
        billed("2024-03-01T06:00:00+01:00", "2024-03-01T06:00:00+01:00"),
        billed("gestern", "heute") | {"releve_debut": None, "releve_fin": None},
    )  # fmt: skip
    assert kinds(answer) == {
        "periods": 1, "absent": 1, "foreign": 3, "outside": 1, "broken": 3, "status": 1, "refused": 1,
    }  # fmt: skip
    assert (answer.counts["lines"], answer.absent) == (11, (date(2024, 2, 1),))
    assert isinstance(answer.error_to_raise(), PartialAnswer)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([refused("2000100"), line(), refused("2000100", "x"), billed()], PartialAnswer),
        ([refused("2000100"), refused(1000014)], RightLost),  # what needs a person comes first
        ([refused("1000014"), line(), billed()], RightLost),
        ([refused("1000009")], RightTooNarrow),
        ([line() | {"consommation": None, "statut_restitution": "KO"}], UnknownRefusal),
        ([{"erreur": "authentification"}], CredentialsRefused),
        *[
            ([body], ServiceUnavailable)
            for body in ("<html>Bad gateway</html>", '{"pce": {', '{"consommation": 5}', "{}")
        ],
        ([line(), billed(), {"odd": 1}], None),
        *[([body], None) for body in (refused("1000008", "aucune donnée sur la période"), "", "  \n", "\ufeff", "[]")],
    ],
    ids=lambda each: str(each)[-60:],
)
def test_the_problem_of_an_answer_loses_none_of_the_good(lines: list[Any], error: type[Exception] | None) -> None:
    for answer in (read(*lines), bills(*lines)):
        problem = answer.error_to_raise()
        assert type(problem) is (error or type(None))
        assert problem is None or str(problem).startswith(f"Account a: meter {TAG}: ")
        assert len(answer.rows) == (line() in lines or billed() in lines)
        assert bool(answer.rows) or (answer.counts["lines"] == answer.counts["status"]) == (error is None)
    done = {"code_statut_traitement": "0000000000", "message_retour_traitement": "ok"}
    assert kinds(read(line() | {"statut_restitution": {}}, done)) == {"readings": 1, "status": 1}, "success"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["2024-03-29", "1000014"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)  # fmt: skip
PATHS = [
    ("pce",), ("pce", "id_pce"), ("periode",), ("periode", "date_fin"), ("consommation",), ("statut_restitution",),
    *[("consommation", key) for key in line()["consommation"]], ("consommation", "coeff_calcul", "coeff_conversion"),
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([None, *PATHS]), JSON), max_size=6), st.binary(max_size=100))
def test_anything_anywhere_in_a_line_is_counted_once(changes: list[tuple[Any, Any]], body: bytes) -> None:
    lines: list[Any] = []
    for path, value in changes:
        changed: Any = copy.deepcopy(line())
        inner = changed
        for key in (path or ())[:-1]:
            inner = inner[key]
        if path:
            inner[path[-1]] = value
        lines.append(changed)
    answer = read(*lines)
    answer.error_to_raise()
    assert answer.counts["lines"] == sum(kinds(answer).values()) == len(lines)
    assert all(reading.day in WINDOW and reading.load >= 0 for reading in answer.rows)
    parse_daily(body, account="a", pce=PCE, window=WINDOW).error_to_raise()


@given(st.dictionaries(st.dates(date(2021, 1, 1), date(2024, 1, 1)), st.integers(0, 500), max_size=8), st.randoms())
def test_all_good_lines_come_back_in_order(loads: dict[date, int], shuffle: Any) -> None:
    lines = [line(day.isoformat(), load) for day, load in loads.items()]
    shuffle.shuffle(lines)
    answer = read(*lines, window=Window(date(2021, 1, 1), date(2024, 1, 2)))
    assert [(reading.day, reading.load) for reading in answer.rows] == sorted(loads.items())


def measures(*, start: Any = None, end: Any = None, **use: Any) -> dict[str, Any]:
    consumption = {"journee_gaziere": "2024-03-28", "energie": 60, **use}
    (reading,) = read({"releve_debut": start, "releve_fin": end, "consommation": consumption}).rows
    assert reading.load == 60
    return dict(reading.measures)


def test_all_of_a_whole_line() -> None:
    found = measures(
        start={
            "date_releve": "2024-03-28T06:00:00+01:00", "index_converti_debut": {"valeur_index": 4100.5},
            "index_brut_debut": {"valeur_index": 4007, "horodate_Index": "2024-03-28T06:00:10+01:00"},
        },
        end={
            "date_releve": "2024-03-29T06:00:00+01:00", "index_converti_fin": {"valeur_index": 4105},
            "index_brut_fin": {"valeur_index": 4012.0, "horodate_Index": None},
        },
        volume_brut=5.3, volume_converti=5.4, flag_retour_zero=False,
        coeff_calcul={"coeff_pta": 0.98, "valeur_pcs": 11.4, "coeff_conversion": 11.17},
        type_qualif_conso="Mesuré", statut_conso="Provisoire",
    )  # fmt: skip
    assert found == {
        "volume": 5.3, "converted_volume": 5.4, "coefficient": 11.17, "pta": 0.98, "pcs": 11.4,
        "index_start": 4007, "index_start_at": "2024-03-28T05:00:10.000000Z",
        "index_end": 4012, "index_end_at": "2024-03-29T05:00:00.000000Z",
        "converted_index_start": 4100.5, "converted_index_end": 4105, "through_zero": False,
        "grdf_quality": "Mesuré", "grdf_status": "Provisoire",
    }  # fmt: skip
    assert set(found) == MEASURES
    assert measures() == {}, "what GRDF does not say has no key"
    assert measures(type_qualif_conso="M" * 500, statut_conso=["Provisoire"]) == {"grdf_quality": "M" * 40}


@pytest.mark.parametrize(
    "odd", [-1, True, "5 m", [5], {}, 1e300, 10**400, float("nan"), None], ids=lambda odd: repr(odd)[:9]
)
def test_what_is_odd_is_left_out(odd: Any) -> None:
    index = {"date_releve": "2024-03-29T06:00:00+01:00", "index_brut_fin": {"valeur_index": odd}}
    factors = {"coeff_pta": odd, "valeur_pcs": odd, "coeff_conversion": odd}
    assert measures(end=index, volume_brut=odd, volume_converti=odd, coeff_calcul=factors) == {}
    for part in (odd, {"index_brut_fin": odd}, {"index_brut_fin": {"valeur_index": None}}):
        assert measures(start=part, end=part, coeff_calcul=odd) == {}
    taken = {"2024-03-29T06:00:00": "2024-03-29T05:00:00.000000Z", "hier": None, 2024: None, "0001-01-01T00:00": None}
    for text, moment in taken.items():
        found = measures(end={"index_brut_fin": {"valeur_index": 7, "horodate_Index": text}})
        assert (found["index_end"], found.get("index_end_at")) == (7, moment)
