"""The meters of an account, as its document names them for Cozy, with what the ledger said of them last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from include.gas.account.grant import RESULTS, part_of, text_in
from include.gas.account.section import members
from include.gas.account.status import Status
from include.gas.answers.access_rights import is_pce
from include.gas.documents.gas_days import Document
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Held


def meters_in(document: Mapping[str, Any], account: str) -> tuple[Held, ...]:
    """Return the meters of an account document, in order.

    :raises BadAccount: if any entry cannot be understood, since we do not want to read only a part of the meters
    """
    known, named = Status.held(document), named_in(document, account)
    return tuple(known.get(pce) or Held(pce=pce, right=right, own=(right,) if right else ()) for pce, right in named)


def named_in(document: Mapping[str, Any], account: str) -> list[tuple[str, str]]:
    """Return the meters that an account document names, each with GRDF's id of a right; ``""`` if it names none.

    :raises BadAccount: if any entry cannot be understood
    """
    results = part_of(document, RESULTS, account)
    listed = results.get("consents")
    if listed is not None and not isinstance(listed, list):
        raise BadAccount.about(account, "its list of consents is not a list")
    found: dict[str, str] = {}
    for entry in listed or []:
        pce = members(entry).get("pce")
        if not isinstance(pce, str) or not is_pce(pce):
            raise BadAccount.about(account, "one of its consents names no valid meter")
        found[pce] = text_in(entry, "id_accreditation", account) or ""
    single = text_in(results, "pce_id", account)
    if single is not None and single not in found:
        if not is_pce(single):
            raise BadAccount.about(account, "its pce_id is not a valid meter")
        found[single] = ""
    return list(found.items())


def with_meters(document: Mapping[str, Any], held: Iterable[Held]) -> Document:
    """Return the account document with its meters, in Cozy's form and in ``status``.

    As in the konnector's accounts, ``oauth_callback_results.pce_id`` is one meter: the first that may be read, if any.
    A right that the document names and the account has not got stays named: it may get it later, and no deletion of
    another account may end it.
    """
    meters = sorted(held, key=lambda each: not each.is_open)
    changed = Status.with_held(document, meters)
    if not meters:
        return changed
    former, named = members(changed.get(RESULTS)), dict(named_in(changed, str(changed.get("_id"))))
    rights = {each.pce: each.right or named.get(each.pce) for each in meters}
    consents = [{"pce": pce, "id_accreditation": right or None} for pce, right in rights.items()]
    changed[RESULTS] = {**former, "pce_id": meters[0].pce, "consents": consents}
    return changed
