from __future__ import annotations

import re

import pytest

from include.gas.errors import ConsentLost, ServiceUnavailable
from include.gas.meter_tag import UNNAMED, meter_tag, without_numbers

PCES = [f"{number:014d}" for number in range(9_999_999_000_000, 9_999_999_002_000)]


def test_is_short_and_holds_no_digit_run_of_the_number() -> None:
    assert re.fullmatch(r"M-[0-9A-HJKMNP-TV-Z]{3}", meter_tag("ana", "09999999000017"))


def test_differs_between_meters_and_between_accounts() -> None:
    assert len({meter_tag("ana", pce) for pce in PCES[:20]}) >= 19
    assert sum(meter_tag("ana", pce) != meter_tag("ben", pce) for pce in PCES) > 0.99 * len(PCES)


def test_does_not_tell_which_meter_of_a_town_it_is() -> None:
    tags = [meter_tag("ana", pce) for pce in PCES]
    assert len(set(tags)) < len(tags)  # among 2,000 meters, some already share a tag


@pytest.mark.parametrize("pce", ["09999999000017", "GI999042"])
@pytest.mark.parametrize(
    "text",
    [
        "{}", "PCE {}.", "/pce/{}/donnees", "ana:{}:2024-03", '["{}"]', "%22{}%22", "startkey=%22ana%3A{}%3A",
        "no {}, {} {}",
    ],
)  # fmt: skip
def test_is_put_where_a_number_stands(pce: str, text: str) -> None:
    clean = without_numbers(text.replace("{}", pce), "ana")
    assert clean == text.replace("{}", meter_tag("ana", pce))
    assert without_numbers(clean, "ana") == clean
    assert without_numbers(text.replace("{}", pce)) == text.replace("{}", UNNAMED)


@pytest.mark.parametrize(
    "text",
    [
        "account-00001", "2024-03-28T06:00:00", "123456789012345", "3f0999999900001700a", "LOGI123",
        "09999999000017fe46cafe0123456abd", "cafe0123456abdfee609999999000017", "d2ee46bd09999999000017fe46cafe01",
    ],
)  # fmt: skip
def test_leaves_other_figures_alone(text: str) -> None:
    assert without_numbers(text, "ana") == text


def test_stands_in_every_error_for_a_number_that_grdf_quotes() -> None:
    said = "GRDF: le PCE 09999999000017 (et GI999042) est révoqué"
    tags = [meter_tag("ana", pce) for pce in ("09999999000017", "GI999042")]
    for error in (ConsentLost.about("ana", said), ConsentLost(said, account="ana")):
        assert all(tag in str(error) for tag in tags)
        assert not re.search(r"\d{5}|GI9", str(error) + repr(error))
    assert UNNAMED in str(ServiceUnavailable.about(None, said))
