"""The meters in a verified ``id_token``, each with the right that the household has given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from include.gas.answers.access_rights import is_pce
from include.gas.errors import IdTokenRefused

CLAIM = "consentements"
"""The claim of the id_token that names the meters: a string that contains JSON."""


class Claim(NamedTuple):
    """A meter, and GRDF's id of the right to it (``id_accreditation``, also called ``id_droit_acces``)."""

    pce: str
    right: str


def parse_claims(claims: Mapping[str, Any], *, account: str | None = None) -> tuple[Claim, ...]:
    """Return the meters and rights in a **verified** id_token.

    :param claims: the result of ``verify_id_token``; ``consentements`` is an array, or a string with a JSON array
    :return: one claim per meter, in order; the last entry of a meter counts
    :raises IdTokenRefused: if there is no entry, or if any entry cannot be understood, since we do not want to connect
        only a part of a household's meters
    """
    entries = claims.get(CLAIM)
    if isinstance(entries, str):
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            raise _refused("claim `consentements` is not JSON", account) from None
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list) or not entries:
        raise _refused("claim `consentements` names no meter", account)
    found: dict[str, Claim] = {}
    for number, entry in enumerate(entries, start=1):
        pce = entry.get("pce") if isinstance(entry, Mapping) else None
        if not isinstance(pce, str) or not is_pce(pce.strip()):
            raise _refused(f"entry {number} of claim `consentements` names no valid meter", account)
        right = entry.get("id_accreditation")
        if not isinstance(right, str) or not right.strip():
            raise _refused(f"entry {number} of claim `consentements` has no `id_accreditation`", account)
        found[pce.strip()] = Claim(pce.strip(), right.strip())
    return tuple(found.values())


def _refused(cause: str, account: str | None) -> IdTokenRefused:
    return IdTokenRefused.about(
        account,
        f"the id_token is genuine but its {cause}",
        "Nothing was changed. The household should consent again and choose a meter; if it did, tell GRDF.",
    )
