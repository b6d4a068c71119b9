"""Proofs of consent: GRDF asks for one, the third party sends it, and GRDF decides (ADICT 3.6).

Where GRDF's documentation says nothing, the sandbox behaves as follows. Proofs may also be sent without being asked
for, and again while they are checked. An empty file is refused, and so is a proof of a right that has ended.
"""

from __future__ import annotations

import base64
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, g, request

from include.sandbox.adict import answers, identity, paris
from include.sandbox.adict.access import rights
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import World, world

ASKED, CHECKED, ACCEPTED, REFUSED = rights.PROOFS
MOST: Final = 3
MOST_BYTES: Final = 4 * 1024 * 1024

blueprint = Blueprint("proofs", __name__, url_prefix=identity.API_PATH)


def ask(store: Store, right: rights.Right, until: date | None) -> rights.Right:
    """Ask for the proof of a right, store the right and return it.

    :param until: the last day to send it; ``None`` takes the question back
    """
    asked = right | {
        "statut_controle_preuve": ASKED if until else None,
        "date_limite_transmission_preuve": until.isoformat() if until else None,
    }
    rights.save(store, asked)
    return asked


def decide(store: Store, right: rights.Right, *, accept: bool) -> rights.Right:
    """Decide about the proof of a right, store the right and return it."""
    decided = right | {"statut_controle_preuve": ACCEPTED if accept else REFUSED}
    rights.save(store, decided)
    return decided


def received(store: Store, right_id: str) -> list[dict[str, Any]]:
    """Return the files that were received for a right, oldest first: name, type, size, content in base64, and when.

    Files that came in one call have the same number ``call``.
    """
    rows = store.rows("SELECT sent, name, type, content, at FROM proofs WHERE right_id = ? ORDER BY n", right_id)
    return [
        {
            "call": call,
            "name": name,
            "type": kind,
            "size": len(content),
            "content": base64.b64encode(content).decode(),
            "at": at,
        }
        for call, name, kind, content, at in rows
    ]


@blueprint.put("/droit_acces/<right_id>/preuves")
def send(right_id: str) -> Response:
    """Accept one to three proofs of consent. The right's proof is then in the state of being checked."""
    at = world()
    if identity.may_revoke(g.client_id):
        return _refused("9999999403", "Ces identifiants ne permettent que la révocation.", 403)
    right = rights.find(at.store, right_id)
    if right is None or right["raison_sociale_du_tiers"] != identity.company_of(g.client_id):
        return _refused("9999999404", "Ce droit d'accès n'existe pas.", 404)
    g.pce = right["id_pce"]
    if right["etat_droit_acces"] not in rights.REVOCABLE:
        return _refused("9999999409", "Ce droit d'accès a pris fin.", 409)
    files = request.files.getlist("preuves")
    if not 1 <= len(files) <= MOST:
        return _refused("9999999400", "Transmettre une à trois preuves.", 400)
    contents = [file.read(MOST_BYTES + 1) for file in files]
    if not all(contents):
        return _refused("9999999400", "Une preuve est vide.", 400)
    if any(len(content) > MOST_BYTES for content in contents):
        return _refused("9999999413", "Une preuve dépasse 4 Mo.", 400)
    kept = [(file.filename or "", file.mimetype, content) for file, content in zip(files, contents, strict=True)]
    _keep(at, right, kept)
    return answers.rights_error(answers.SUCCESS, "Opération réussie.", 200)


def _keep(at: World, right: rights.Right, files: list[tuple[str, str, bytes]]) -> None:
    with at.store.lock:
        ((calls,),) = at.store.rows("SELECT COALESCE(MAX(sent), 0) FROM proofs")
        for name, kind, content in files:
            at.store.run(
                "INSERT INTO proofs (right_id, sent, name, type, content, at) VALUES (?, ?, ?, ?, ?, ?)",
                right["id_droit_acces"], calls + 1, name, kind, content, at.now().astimezone(paris.PARIS).isoformat(),
            )  # fmt: skip
        rights.save(at.store, right | {"statut_controle_preuve": CHECKED})


def _refused(code: str, message: str, status: int) -> Response:
    return answers.rights_error(code, message, status)
