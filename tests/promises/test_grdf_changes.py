"""GRDF's answers change in twelve ways, one a morning: no day is lost, and each change is told once."""

from __future__ import annotations

import re

from tests.promises.adapter import METERS, Town

CHANGES = {
    "the key nouveau is new (a number)": ('{"pce"', '{"nouveau": 7, "pce"'),
    "the key consommation.temperature is new (a number)": ('"energie"', '"temperature": 12.5, "energie"'),
    "the key consommation.coeff_calcul.zone is new": ('"coeff_pta"', '"zone": "L1", "coeff_pta"'),
    "the key releve_fin.canal is new": ('"index_brut_fin"', '"canal": {"nom": "radio"}, "index_brut_fin"'),
    "consommation.energie is a text in place of a whole number": (r'"energie": ?(\d+)', r'"energie": "\1,00"'),
    "consommation.volume_brut is a text in place of a number": (r'"volume_brut": ?([\d.]+)', r'"volume_brut": "\1"'),
    "consommation.coeff_calcul.coeff_conversion is a text": (
        r'"coeff_conversion": ?([\d.]+)',
        r'"coeff_conversion": "\1"',
    ),
    "releve_fin.index_brut_fin.valeur_index is a text": (r'"valeur_index": ?(\d+)', r'"valeur_index": "\1"'),
    "consommation.flag_retour_zero is a text in place of a flag": (
        '"flag_retour_zero": ?null',
        '"flag_retour_zero": "Faux"',
    ),
    "consommation.statut_conso has a new word": ('"statut_conso": ?"Provisoire"', '"statut_conso": "Validé"'),
    "consommation.type_qualif_conso has a new word": ('"type_qualif_conso": ?"[^"]*"', '"type_qualif_conso": "Lu"'),
    "consommation.sens_flux_gaz has a new word": ('"sens_flux_gaz": ?"[^"]*"', '"sens_flux_gaz": "Livraison"'),
}


def test_each_change_of_grdfs_answers_is_told_once_and_costs_no_day(town: Town) -> None:
    town.connect("alder", METERS[0], back=40)
    town.connect("birch", METERS[1], back=40)
    for said, (old, new) in CHANGES.items():
        town.fault(lambda body, old=old, new=new: re.sub(old, new, body.decode()).encode(), "informatives$", times=2)
        town.mornings()
        town.calm()
        told = [line for line in town.health().text.splitlines() if line.startswith("drift: ")]
        assert [(line.count(said), "2 account(s)" in line, "1 thing" in line) for line in told] == [(1, True, True)], (
            said
        )
        assert not re.search(r"New: [^.]*\d{2}", told[0].replace("2 account(s)", "")), "without figures"
    town.fault(lambda body: body.replace(b'{"pce"', b'{"autre": 7, "pce"'), "publiees$", times=2)
    town.run_dag("grdf_published", "manual")
    assert "the key autre is new (a number) (2 account(s))" in town.health().text, "of billing periods, too"
    town.calm()
    town.run_dag("grdf_published", "manual", params={"accounts": ["alder", "birch"]})
    town.mornings(2)
    assert "drift: " not in town.health().text
    for account, pce in (("alder", METERS[0]), ("birch", METERS[1])):
        assert town.wrong(account, pce, town.ago(30)) == []
    assert town.wrong_totals() == []
