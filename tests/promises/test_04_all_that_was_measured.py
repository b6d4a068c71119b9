"""Promise 4: all that GRDF measured is on the day, doubtful days are said, and nothing of it changes a load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.promises.adapter import DAYS, METERS, Town

PCE = METERS[0]
READS = "/donnees_consos_informatives$"


def changed(day: str, change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def body(answer: bytes) -> bytes:
        lines = [json.loads(line) for line in answer.decode().splitlines() if line.strip()]
        for line in lines:
            if line["consommation"] and line["consommation"]["journee_gaziere"] == day:
                change(line)
        return "\n".join(json.dumps(line) for line in lines).encode()

    return body


def test_volumes_coefficient_index_and_words_are_on_the_day(town: Town) -> None:
    day = town.ago(9)

    def measure(line: Any) -> None:
        line["consommation"] |= {
            "volume_brut": 7, "volume_converti": 8.25, "energie": 78, "type_qualif_conso": "Corrigé",
            "statut_conso": "Définitive",
        }  # fmt: skip
        line["consommation"]["coeff_calcul"] |= {"coeff_conversion": 11.143}
        line["releve_fin"]["index_brut_fin"] |= {"valeur_index": 65432}

    town.fault(changed(str(day), measure), READS, times=9)
    town.connect("alder", PCE, back=30)
    document = town.documents(DAYS)[f"alder:{PCE}:{day}"]
    assert document["load"] == 78
    text = json.dumps(document, ensure_ascii=False)
    assert [value for value in ("7", "8.25", "11.143", "65432") if not re.search(rf": {value}\b", text)] == []
    assert '"Corrigé"' in text
    assert '"Définitive"' in text


def test_a_doubtful_day_is_said_and_stored_as_grdf_sent_it(town: Town) -> None:
    day = town.ago(9)

    def contradict(line: Any) -> None:  # far more energy than its volume can have
        line["consommation"] |= {"energie": 4321, "volume_brut": 2}

    town.fault(changed(str(day), contradict), READS, times=9)
    town.connect("alder", PCE, back=30)
    days = town.documents(DAYS)
    doubtful, ordinary = days[f"alder:{PCE}:{day}"], days[f"alder:{PCE}:{day + timedelta(days=3)}"]
    assert doubtful["load"] == 4321
    assert set(doubtful) - set(ordinary), "something more is said of it"
    assert town.wrong_totals() == []


def test_a_new_meter_in_the_wall_with_an_index_from_zero_changes_no_load(town: Town) -> None:
    days = [town.ago(ago) for ago in (9, 8, 7)]

    def exchange(line: Any) -> None:
        line["releve_fin"]["index_brut_fin"]["valeur_index"] = 3
        line["consommation"]["flag_retour_zero"] = True

    for day in days:
        town.fault(changed(str(day), exchange), READS, times=1)
        town.connect("alder", PCE, back=30) if day == days[0] else town.run("alder")
        assert town.wrong("alder", PCE, town.ago(30)) == []
    assert town.state("alder") == ""
