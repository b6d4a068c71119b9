from __future__ import annotations

import re

from include.gas.meter_tag import meter_tag

PCES = [f"{number:014d}" for number in range(9_999_999_000_000, 9_999_999_002_000)]


def test_is_short_and_holds_no_digit_run_of_the_number() -> None:
    assert re.fullmatch(r"M-[0-9A-HJKMNP-TV-Z]{3}", meter_tag("ana", "09999999000017"))


def test_stays_the_same() -> None:
    assert meter_tag("ana", "09999999000017") == meter_tag("ana", "09999999000017")


def test_differs_between_meters_and_between_accounts() -> None:
    assert len({meter_tag("ana", pce) for pce in PCES[:20]}) >= 19
    assert sum(meter_tag("ana", pce) != meter_tag("ben", pce) for pce in PCES) > 0.99 * len(PCES)


def test_does_not_tell_which_meter_of_a_town_it_is() -> None:
    tags = [meter_tag("ana", pce) for pce in PCES]
    assert len(set(tags)) < len(tags)  # 2,000 meters already share some
