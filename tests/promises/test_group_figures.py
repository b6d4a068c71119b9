"""Figures of groups that two runs publish at the same moment: neither takes back what the other has published."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.promises.adapter import METERS

if TYPE_CHECKING:
    from tests.promises.adapter import Town

FIGURE = "~programme:renovated:2026-02"
SMALLEST = 11


def join(town: Town, homes: list[str]) -> None:
    for home in homes:
        assert town._page("POST", f"/accounts/{home}/groups", data={"programme": "renovated"}).status_code == 303


def test_a_run_beside_another_one_takes_no_household_out_of_its_figure(town: Town) -> None:
    homes = [f"home-{number}" for number in range(2 * SMALLEST)]
    for home, pce in zip(homes, METERS, strict=False):
        town.connect(home, pce, back=80)
    join(town, homes[:SMALLEST])
    before = town.backup()
    for moment in count():
        town.restore(before)

        def publish_more() -> None:
            join(town, homes[SMALLEST:])
            assert town.run_dag("grdf_city").well

        town.meanwhile(moment, publish_more)
        assert town.run_dag("grdf_city").well
        figure = town.documents("com-grandlyon-grdf-city")[FIGURE]
        if town.planned:
            break
        assert figure["households"] == 2 * SMALLEST, moment
    assert moment > 4, "the runs met"
