"""An import beside its account's first run, or killed: GRDF is asked for one right for each household."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from tests.promises.adapter import METERS, PUT, Town


@pytest.mark.parametrize("later", [0, 0.5])
def test_one_right_is_declared(new_town: Callable[..., Town], later: float) -> None:
    town = new_town()
    town.fault("twice", **PUT, times=99)  # a GRDF that would take several
    row = {"account": "alder", **town.person("alder", METERS[0], first=town.ago(20))}

    def run() -> None:
        while not town.account("alder"):
            town.pass_(seconds=0.1)
        town.pass_(seconds=later)
        town.run("alder")

    town.at_once((0, lambda: town.import_(row)), (0, run), latency=0.2)
    assert [right["etat_droit_acces"] for right in town.rights(METERS[0])] == ["A valider"]


def test_wherever_it_is_killed_each_right_has_its_account_and_its_record(town: Town) -> None:
    town.fault("twice", **PUT, times=9999)
    for number in count(1):
        pces, name = METERS[2 * number : 2 * number + 2], f"file-{number}.csv"
        people = [town.person(f"home-{pce}", pce, first=town.ago(20)) for pce in pces]
        town.kill_at(number)
        rows = ({"account": f"home-{number}", **people[0]}, {"account": "", **people[1]})
        died = town.import_(*rows, name=name, tries=1)[0].state == "killed"
        town.kill_at(0)
        town.pass_(minutes=20)
        town.import_(name=name)
        records = town.documents("com-grandlyon-grdf-consent-record").values()
        for pce in pces:
            assert len(town.rights(pce)) == 1, number
            (right,) = town.documents("com-grandlyon-grdf-meter")[pce]["rights"]
            assert town.account(right["account"]), number
            assert (right["account"], pce) in [(each["account"], each["entered"]["pce"]) for each in records], number
        if not died:
            break
    assert number > 12, "it has died several times"
