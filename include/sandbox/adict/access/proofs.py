"""Proofs of consent (ADICT 3.6). Unknown at GRDF: they may come unasked and again, but never empty."""

from __future__ import annotations

import base64
from typing import Any, Final

from flask import Blueprint, Response, g, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.answers import rights_answer
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import world

ASKED, CHECKED, ACCEPTED, REFUSED = rights.PROOFS
MOST: Final = 3
MOST_BYTES: Final = 4 * 1024 * 1024

blueprint = Blueprint("proofs", __name__, url_prefix=identity.API_PATH)


def received(store: Store, right_id: str) -> list[dict[str, Any]]:
    """Return the files received for a right, content in base64; those of one call have the same ``call``."""
    names = ("call", "name", "type", "content", "at")
    rows = store.rows("SELECT sent, name, type, content, at FROM proofs WHERE right_id = ? ORDER BY n", right_id)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [
        each | {"size": len(each["content"]), "content": base64.b64encode(each["content"]).decode()} for each in found
    ]


@blueprint.put("/droit_acces/<right_id>/preuves")
def send(right_id: str) -> Response:
    """Accept one to three proofs of consent, to be checked."""
    at = world()
    if identity.may_revoke(g.client_id):
        return rights_answer("Ces identifiants ne permettent que la révocation.", "9999999403", 403)
    right = rights.find_right(at.store, right_id)
    if right is None or right["raison_sociale_du_tiers"] != identity.company_of(g.client_id):
        return rights_answer("Ce droit d'accès n'existe pas.", "9999999404", 404)
    g.pce = right["id_pce"]
    if right["etat_droit_acces"] not in rights.REVOCABLE:
        return rights_answer("Ce droit d'accès a pris fin.", "9999999409", 409)
    files = [(file.filename or "", file.mimetype, file.read()) for file in request.files.getlist("preuves")]
    if not 1 <= len(files) <= MOST or not all(content for _, _, content in files):
        return rights_answer("Transmettre une à trois preuves, dont aucune n'est vide.")
    if any(len(content) > MOST_BYTES for _, _, content in files):
        return rights_answer("Une preuve dépasse 4 Mo.", "9999999413")
    with at.store.lock:
        ((calls,),) = at.store.rows("SELECT COALESCE(MAX(sent), 0) FROM proofs")
        when = at.now().astimezone(paris.PARIS).isoformat()
        for name, kind, content in files:
            row = (right_id, calls + 1, name, kind, content, when)
            at.store.run("INSERT INTO proofs (right_id, sent, name, type, content, at) VALUES (?, ?, ?, ?, ?, ?)", *row)
        rights.save_right(at.store, right | {"statut_controle_preuve": CHECKED})
    return rights_answer("Opération réussie.", answers.SUCCESS, 200)
