"""The request that declares a right, GRDF's answer, and to whom a right in its list belongs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from include.gas.account.declaration import PERIMETERS, Declaration
from include.gas.answers.access_rights import AccessRight, Role, is_right_id, is_same_name
from include.gas.answers.french_words import fold_address, text_of
from include.gas.answers.json_objects import find_objects
from include.gas.days.windows import ONE_DAY, in_years, oldest_allowed
from include.gas.rights.meter_rights import Right

YEARS_BACK, YEARS_AHEAD = 5, 3
"""Default cover of a right: all that GRDF keeps, and three years to come."""
AT_ONCE = "0000000000"
"""GRDF's code for a declared right that is in force at once (ADICT 5)."""


def declaration_request(declaration: Declaration, today: date) -> dict[str, Any]:
    """Return the JSON body of ``PUT /pce/{pce}/droit_acces`` (ADICT 3.6 and 5), with ``today`` in Paris."""
    last = declaration.calls_until or in_years(today, YEARS_AHEAD)
    first = declaration.first or oldest_allowed(today, YEARS_BACK)
    end = declaration.end or last + ONE_DAY
    return {
        "role_tiers": Role.SUPPLY.upper(),
        **({"raison_sociale": declaration.company} if declaration.company else {"nom_titulaire": declaration.name}),
        "code_postal": declaration.postcode,
        "courriel_titulaire": declaration.email,
        **({"numero_telephone_mobile_titulaire": declaration.phone} if declaration.phone else {}),
        "date_debut_droit_acces": today.isoformat(),
        "date_fin_droit_acces": last.isoformat(),
        "perim_donnees_conso_debut": first.isoformat(),
        "perim_donnees_conso_fin": end.isoformat(),
        **{f"perim_donnees_{name}": "Vrai" if name in declaration.perimeters else "Faux" for name in PERIMETERS},
    }


def wanted_right(declaration: Declaration) -> Right:
    """Return the right that a declaration asks for, to compare it with existing ones."""
    return Right(
        client="", way="declared", state="asked", since="", calls_until=declaration.calls_until,
        first=declaration.first, end=declaration.end, published="publiees" in declaration.perimeters,
    )  # fmt: skip


def parse_declaration_answer(body: str | bytes) -> tuple[str, bool]:
    """Return the right's id (``""`` if none) in a 201, and whether its holder has to answer first."""
    lines = find_objects(body).objects
    ids = [text_of(line.get("id_droit_acces")) for line in lines]
    waits = all(text_of(line.get("code_statut_traitement")) != AT_ONCE for line in lines)
    return next((each for each in reversed(ids) if is_right_id(each)), ""), waits


def is_other_household(rights: Iterable[AccessRight], own: Iterable[str], asked: Declaration) -> bool:
    """Return whether GRDF names other holders than the declaration for all of an account's ``own`` rights."""
    mine = {*own}
    named = [each for each in rights if each.id in mine and any(each.holder[:2]) and not each.made_on_site]
    # People change their name or their address, hardly ever both at once.
    name, email = asked.holder, fold_address(asked.email)
    return bool(named) and not any(email == each.holder[1] or is_same_name(each.holder[0], name) for each in named)
