"""An account's own first run begins while its import is still declaring it: GRDF is asked for one right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.promises.adapter import METERS, Town


@pytest.fixture
def empty(shelf: None) -> None:
    """This town is a world of its own."""


@pytest.mark.parametrize("later", [0, 0.5])
def test_one_right_is_declared(new_town: Callable[..., Town], later: float) -> None:
    town = new_town()
    town.fault("twice", path="/droit_acces$", method="PUT", times=99)  # a GRDF that would take several
    row = {"account": "alder", **town.person("alder", METERS[0], first=town.ago(20))}

    def run() -> None:
        while not town.account("alder"):
            town.pass_(seconds=0.1)
        town.pass_(seconds=later)
        town.run("alder")

    town.at_once((0, lambda: town.import_(row)), (0, run), latency=0.2)
    assert [right["etat_droit_acces"] for right in town.rights(METERS[0])] == ["A valider"]
