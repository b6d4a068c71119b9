"""The access-right endpoints of ADICT v2, for a third party's own rights.

Unknown at GRDF: only a delete client revokes (else 403), only a data client declares. Revoking a right that is over
gets 409 (or ``second_revocation_status``). A filter of more than 1000 PCEs gets 400.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, g, request

from include.sandbox.adict import answers, identity
from include.sandbox.adict.access import mailbox, rights
from include.sandbox.adict.answers import rights_answer
from include.sandbox.adict.meter_data import layout, meters, quirks
from include.sandbox.adict.world import world

blueprint = Blueprint("rights", __name__, url_prefix=identity.API_PATH)
_DONE: Final = "Opération réussie."
_FILTERS: Final = {
    "id_pce": None,
    "role_tiers": rights.ROLES,
    "etat_droit_acces": rights.STATES,
    "statut_controle_preuve": rights.PROOFS,
}
_MOST_PCES: Final = 1000
_NEEDED: Final = ("courriel_titulaire", "code_postal")
_DATES: Final = (
    *("perim_donnees_conso_debut", "perim_donnees_conso_fin"),
    *("date_debut_droit_acces", "date_fin_droit_acces"),
)


def _listing(found: list[rights.Right]) -> Response:
    at = world()
    if at.setting("too_many_rights"):
        told = answers.treatment("9999999413", "Trop de droits d'accès pour une réponse immédiate.")
        return answers.body(told | {"id_traitement_asynchrone": str(uuid.uuid4())}, mimetype=answers.NDJSON)
    wanted: set[str] = set()
    for pce in {right["id_pce"] for right in found}:
        wanted |= set(quirks.read_quirks(at.store, pce).get("layout") or ())
    message = _DONE if found else "Aucun droit d'accès."
    rows = [*found, answers.treatment(answers.SUCCESS, message)]
    return Response(layout.render(rows, wanted - {"truncated", "empty_body", "status_line"}), mimetype=answers.NDJSON)


@blueprint.get("/droits_acces")
def list_rights() -> Response:
    """Return all rights, oldest first, then the status object."""
    mailbox.forget_unanswered(world())
    return _listing(rights.all_rights(world().store, identity.company_of(g.client_id)))


@blueprint.post("/droits_acces")
def filter_rights() -> Response:
    """Return the rights that match all given filters."""
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or set(asked) - set(_FILTERS):
        return rights_answer("Corps de requête invalide.")
    wanted = {name: values for name, values in asked.items() if values is not None}
    for name, values in wanted.items():
        known = _FILTERS[name]
        if not isinstance(values, list) or (known and set(map(str, values)) - set(known)):
            return rights_answer(f"Valeur inconnue dans le filtre {name}.")
    pces: list[str] = wanted.get("id_pce", [])
    if len(pces) > _MOST_PCES:
        return rights_answer("Trop de points de comptage dans le filtre.", "2000000009")
    if not all(isinstance(pce, str) and meters.well_formed(pce) for pce in pces):
        return rights_answer("Un identifiant de point de comptage n'est pas valable.")
    g.pce = pces[0] if len(pces) == 1 else None
    mailbox.forget_unanswered(world())
    store, company = world().store, identity.company_of(g.client_id)
    found = rights.all_rights(store, company)
    if pces:
        found = [right for pce in dict.fromkeys(pces) for right in rights.rights_to_meter(store, pce, company)]
    return _listing([right for right in found if all(right[name] in values for name, values in wanted.items())])


@blueprint.patch("/droit_acces/<right_id>")
def revoke(right_id: str) -> Response:
    """Revoke a right on behalf of the third party."""
    at = world()
    if not identity.may_revoke(g.client_id):
        return rights_answer("Ces identifiants ne permettent pas la révocation.", "9999999403", 403)
    with at.store.lock:
        right = rights.find_right(at.store, right_id)
        if right is None or right["raison_sociale_du_tiers"] != identity.company_of(g.client_id):
            return rights_answer("Ce droit d'accès n'existe pas.", "9999999404", 404)
        g.pce = right["id_pce"]
        if rights.is_own(right):
            return rights_answer("Ce rôle ne permet pas la révocation.", "9999999409", 409)
        if right["etat_droit_acces"] not in rights.REVOCABLE:
            status = at.setting("second_revocation_status")
            return rights_answer("Ce droit d'accès est déjà révoqué ou n'existe plus.", f"9999999{status}", status)
        rights.revoke(at.store, right, "TIERS", at.now())
    return rights_answer(_DONE, answers.SUCCESS, 200)


def _terms(asked: dict[str, Any]) -> rights.Terms | None:
    chosen = tuple(name for name in rights.PERIMETERS if asked.get(f"perim_donnees_{name}") == "Vrai")
    try:
        terms = rights.Terms(chosen, *(date.fromisoformat(str(asked.get(name))) for name in _DATES))
    except ValueError:
        return None
    coherent = chosen and terms.data_first < terms.data_end and terms.right_first <= terms.right_last
    return terms if coherent else None


@blueprint.put("/pce/<pce>/droit_acces")
def declare(pce: str) -> Response:
    """Declare a right, which the holder must confirm (``A valider``, or as set)."""
    at, company = world(), identity.company_of(g.client_id)
    g.pce = pce
    if identity.may_revoke(g.client_id):
        return rights_answer("Ces identifiants ne permettent que la révocation.", "9999999403", 403)
    if not meters.well_formed(pce):
        return rights_answer(answers.BAD_PCE[1])
    asked = request.get_json(silent=True) or {}
    name, role = asked.get("nom_titulaire") or asked.get("raison_sociale"), asked.get("role_tiers")
    if role not in rights.ROLES or not name or not all(asked.get(needed) for needed in _NEEDED):
        return rights_answer("Il manque une donnée obligatoire.")
    if meters.find_meter(pce) is None:
        return rights_answer("Ce point de comptage est inconnu.", "1000000006", 404)
    if quirks.read_quirks(at.store, pce).get("contract_ended"):
        return rights_answer("Le contrat de ce point de comptage a pris fin.", "1000000004", 409)
    if asked["code_postal"] != meters.Meter(pce).postcode:
        return rights_answer("Le code postal ne correspond pas au point de comptage.", "1000000005", 409)
    terms = _terms(asked)
    if terms is None or "INJECTION" in role:
        return rights_answer("Le périmètre demandé est incohérent.", "1000000022", 409)
    with at.store.lock:
        for old in rights.rights_to_meter(at.store, pce, company):
            if old["etat_droit_acces"] in rights.REVOCABLE and old["role_tiers"] == role:
                return rights_answer("Un droit d'accès existe déjà.", "1000000003", 409)
        state = at.setting("declared_right_state")
        given = {
            "role_tiers": role,
            "raison_sociale_du_tiers": company,
            "nom_titulaire": asked.get("nom_titulaire"),
            "raison_sociale_du_titulaire": asked.get("raison_sociale"),
            "numero_telephone_mobile_titulaire": asked.get("numero_telephone_mobile_titulaire"),
            "etat_droit_acces": state,
            "parcours": mailbox.DECLARED,
        }
        holder = meters.Holder(str(name), "", str(asked["courriel_titulaire"]), (pce,))
        right = rights.save_right(at.store, rights.new_right(pce, holder, terms, at.now(), **given))
    told = answers.treatment(answers.WAITING_FOR_HOLDER, "En attente de la validation du titulaire.")
    if state == "Active":
        told = answers.treatment(answers.SUCCESS, _DONE)
    return answers.body(told | {"id_droit_acces": right["id_droit_acces"]}, 201)
