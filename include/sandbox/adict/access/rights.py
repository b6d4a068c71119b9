"""Access rights (``droits d'accès``): how they begin, end, and what each allows.

Unknown at GRDF: ``date_fin_droit_acces`` is the last day. The window ends before ``perim_donnees_conso_fin``, like a
request's. A new consent makes the meter's earlier active rights ``Obsolète``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from include.sandbox.adict import identity, paris
from include.sandbox.adict.meter_data import meters
from include.sandbox.adict.store import Store

Right = dict[str, Any]
PERIMETERS: Final = ("publiees", "informatives", "contractuelles", "techniques")
ROLES: Final = tuple(
    f"{kind}_CONTRAT_{what}" for what in ("FOURNITURE", "INJECTION") for kind in ("AUTORISE", "DETENTEUR")
)
STATES: Final = ("Active", "A valider", "Révoquée", "A revérifier", "Obsolète", "Refusée")
PROOFS: Final = ("Preuve en attente", "Preuve en cours de vérification", "Preuve Vérifiée OK", "Preuve Vérifiée KO")
REVOCABLE: Final = ("Active", "A valider", "A revérifier")
SOURCES: Final = {"holder": "TITULAIRE", "third party": "TIERS", "grdf": "GRDF"}
_REFUSED_BY_SOURCE = {"TITULAIRE": "1000014", "TIERS": "9990001", "GRDF": "9990002"}
_NO_PERIMETER = {"publiees": "1000009", "informatives": "1000010"}
_EMPTY = (
    *("raison_sociale_du_titulaire", "numero_telephone_mobile_titulaire"),
    *("perim_donnees_inj_debut", "perim_donnees_inj_fin", "date_revocation", "source_revocation"),
    *("date_passage_a_obsolete", "source_passage_a_obsolete", "date_passage_a_refuse", "source_passage_a_refuse"),
    *("statut_controle_preuve", "date_limite_transmission_preuve"),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a holder consents to: gas days (``data_end`` excluded) and civil days."""

    perimeters: tuple[str, ...]
    data_first: date
    data_end: date
    right_first: date
    right_last: date

    @classmethod
    def usual(cls, today: date) -> Terms:
        """Return the consent page's proposal: five years back and three ahead."""
        ahead = paris.years_before(today, -3)
        return cls(PERIMETERS, paris.years_before(today, 5), ahead, today, ahead)


def stamp(now: datetime) -> str:
    """Format an aware time as Paris time without a zone."""
    return f"{now.astimezone(paris.PARIS):%Y-%m-%d %H:%M:%S}"


def new_right(pce: str, holder: meters.Holder, terms: Terms, now: datetime, **fields: Any) -> Right:
    """Return a new access right, not stored yet."""
    right: Right = {
        "id_droit_acces": str(uuid.uuid4()),
        "id_pce": pce,
        "role_tiers": "AUTORISE_CONTRAT_FOURNITURE",
        "raison_sociale_du_tiers": identity.COMPANY,
        "nom_titulaire": f"{holder.first_name} {holder.last_name}",
        "courriel_titulaire": holder.email,
        "code_postal": meters.Meter(pce).postcode,
        "date_debut_droit_acces": terms.right_first.isoformat(),
        "date_fin_droit_acces": terms.right_last.isoformat(),
        "perim_donnees_conso_debut": terms.data_first.isoformat(),
        "perim_donnees_conso_fin": terms.data_end.isoformat(),
        **{f"perim_donnees_{name}": "Vrai" if name in terms.perimeters else "Faux" for name in PERIMETERS},
        "date_creation": stamp(now),
        "etat_droit_acces": "Active",
        "parcours": "CLIENT_CONNECT",
    }
    return dict.fromkeys(_EMPTY) | right | fields


def is_own(right: Right) -> bool:
    """Return whether a right is of the third party's own contract: nobody consents to it, and nobody revokes it."""
    return bool(right["role_tiers"].startswith("DETENTEUR_"))


def own_contract(pce: str, now: datetime, company: str, *, injection: bool = False) -> Right:
    """Return the right of the third party's own contract, not stored yet: without holder, dates and perimeters."""
    usual = new_right(pce, meters.known_holder(pce), Terms.usual(paris.civil_day(now)), now)
    kept = {"id_droit_acces", "id_pce", "code_postal", "date_creation", "etat_droit_acces"}
    role = ROLES[3 if injection else 1]
    return {name: value if name in kept else None for name, value in usual.items()} | {
        "role_tiers": role, "raison_sociale_du_tiers": company,
    }  # fmt: skip


def all_rights(store: Store, company: str = "") -> list[Right]:
    """Return all rights, oldest first."""
    return _of(company, store.rows("SELECT body FROM rights ORDER BY seq"))


def rights_to_meter(store: Store, pce: str, company: str = "") -> list[Right]:
    """Return one meter's rights, oldest first."""
    return _of(company, store.rows("SELECT body FROM rights WHERE pce = ? ORDER BY seq", pce))


def _of(company: str, rows: Iterable[tuple[Any, ...]]) -> list[Right]:
    found = (json.loads(body) for (body,) in rows)
    return [right for right in found if not company or right["raison_sociale_du_tiers"] == company]


def find_right(store: Store, right_id: str) -> Right | None:
    """Return the right with that ``id_droit_acces``, if there is one."""
    rows = store.rows("SELECT body FROM rights WHERE id = ?", right_id)
    return json.loads(rows[0][0]) if rows else None


def save_right(store: Store, right: Right) -> Right:
    """Store a new or changed right, and return it."""
    store.run(
        "INSERT INTO rights (id, pce, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        right["id_droit_acces"],
        right["id_pce"],
        json.dumps(right),
    )
    return right


def consent(
    store: Store,
    pces: Iterable[str],
    holder: meters.Holder | None,
    terms: Terms,
    now: datetime,
    *,
    keep_others: bool = False,
    company: str = identity.COMPANY,
) -> list[Right]:
    """Create one right per meter, by a holder or (``None``) its own, as a consent does; others become obsolete."""
    made = []
    with store.lock:
        for pce in pces:
            for old in [] if keep_others else rights_to_meter(store, pce, company):
                if old["etat_droit_acces"] in REVOCABLE and old["parcours"] == "CLIENT_CONNECT":
                    make_obsolete(store, old, "TITULAIRE", now)
            known = holder or meters.known_holder(pce)
            made.append(save_right(store, new_right(pce, known, terms, now, raison_sociale_du_tiers=company)))
    return made


def make_obsolete(store: Store, right: Right, source: str, now: datetime) -> Right:
    """Make a right obsolete, store it and return it."""
    why = {"date_passage_a_obsolete": stamp(now), "source_passage_a_obsolete": source}
    return save_right(store, right | {"etat_droit_acces": "Obsolète"} | why)


def revoke(store: Store, right: Right, source: str, now: datetime) -> Right:
    """Revoke a right, store it and return it."""
    why = {"date_revocation": stamp(now), "source_revocation": source}
    return save_right(store, right | {"etat_droit_acces": "Révoquée"} | why)


def decide(rights: list[Right], perimeter: str, today: date) -> tuple[list[Right], str | None]:
    """Return the rights that allow reading, or the code of the refusal."""
    injected = perimeter == "injections"
    of_kind = [right for right in rights if ("INJECTION" in right["role_tiers"]) is injected]
    if not of_kind:
        return [], "1000002"
    perimeter = "publiees" if injected else perimeter
    text = today.isoformat()
    active = [right for right in of_kind if right["etat_droit_acces"] == "Active"]
    current = [
        r for r in active if (r["date_debut_droit_acces"] or "") <= text <= (r["date_fin_droit_acces"] or "9999")
    ]
    if not current:
        return [], _refusal_of(active[-1] if active else of_kind[-1], text)
    proven = [right for right in current if right["statut_controle_preuve"] != "Preuve Vérifiée KO"]
    if not proven:
        return [], "1000011"
    covering = [right for right in proven if is_own(right) or right[f"perim_donnees_{perimeter}"] == "Vrai"]
    return covering, None if covering else _NO_PERIMETER.get(perimeter, "9990005")


def _refusal_of(right: Right, today: str) -> str:
    state = right["etat_droit_acces"]
    if state == "Révoquée":
        return _REFUSED_BY_SOURCE.get(right["source_revocation"], "9990001")
    if state == "Active" and (right["date_fin_droit_acces"] or "9999") < today:
        return "1000001"
    return "9990003" if state == "Obsolète" else "9990004"


def covers(rights: Iterable[Right], day: date) -> bool:
    """Return whether any of the rights covers the gas day."""
    text = day.isoformat()

    def bounds(right: Right) -> tuple[str, str]:
        kind = "inj" if "INJECTION" in right["role_tiers"] else "conso"
        return right[f"perim_donnees_{kind}_debut"] or "", right[f"perim_donnees_{kind}_fin"] or "9999"

    return any(first <= text < end for first, end in map(bounds, rights))
