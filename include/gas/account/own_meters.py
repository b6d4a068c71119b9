"""The meters of an account and the rights that the account itself has brought for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.account.grant import FORMER, OAUTH, RESULTS, part_of, results_of, text_in, without_secrets
from include.gas.account.sections.rights.lost_consents import LostConsents, handed_over, lost_message, meters_lost
from include.gas.account.sections.section import copied, members, put
from include.gas.account.state import with_state
from include.gas.answers.access_rights import is_pce
from include.gas.answers.words import day_in
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import OAUTH_OUTDATED, PERMISSIONS_CHANGED, BadAccount

FORMER_KEPT = timedelta(days=30)
"""How long the konnector's ``id_token`` is kept. In this time somebody can correct a wrong setting. No token is stored
for ever."""


def meters_in(document: Mapping[str, Any], account: str) -> tuple[Consent, ...]:
    """Return the meters of an account document, in order.

    :raises BadAccount: if any entry cannot be understood, since we do not want to read only a part of the meters
    """
    results = part_of(document, RESULTS, account)
    meters: dict[str, Consent] = {}
    listed = results.get("consents")
    if listed is not None and not isinstance(listed, list):
        raise BadAccount.about(account, "its list of consents is not a list")
    for entry in listed or []:
        pce = members(entry).get("pce")
        if not isinstance(pce, str) or not is_pce(pce):
            raise BadAccount.about(account, "one of its consents names no valid meter")
        others = entry.get("others") or []
        if not isinstance(others, list) or not all(isinstance(other, Mapping) for other in others):
            raise BadAccount.about(account, "the former rights of one of its meters are not a list of objects")
        own, *former = (_right(each, pce, account) for each in (entry, *others))
        meters[pce] = replace(own, others=tuple(former))
    single = text_in(results, "pce_id", account)
    if single is not None and single not in meters:
        if not is_pce(single):
            raise BadAccount.about(account, "its pce_id is not a valid meter")
        meters[single] = Consent(single)
    return tuple(meters.values())


def with_meters(document: Mapping[str, Any], consents: Iterable[Consent], at: datetime | str | None = None) -> Document:
    """Return the account document with new consents, and without tokens, codes, secrets and the state.

    The state is kept, as partial, if it may be about a meter that the new consents do not name.

    Meters that the new consents do not name are kept: they may have another consent, which is valid until GRDF says
    otherwise, or until the household leaves and it is revoked. Earlier rights to the meters that are named are kept
    too. As in the konnector's accounts, ``oauth_callback_results.pce_id`` is the first meter.

    :param consents: at least one
    :param at: when they were brought, aware; ``None`` if unknown
    :raises ValueError: if ``consents`` is empty
    :raises BadAccount: if the meters in the document cannot be understood
    """
    named = {consent.pce: consent for consent in consents}
    if not named:
        raise ValueError("an account needs at least one meter")
    account = str(document.get("_id"))
    known = meters_in(document, account)
    others = [meter for meter in known if meter.pce not in named]
    former = {meter.pce: meter for meter in known}
    brought = "" if at is None else utc_text(at)
    fresh = [_beside(replace(consent, brought=brought), former.get(pce)) for pce, consent in named.items()]
    meters = [*fresh, *others]
    lost = [meter for meter in others if meter.lost or meter.pce in meters_lost(document)]
    changed = LostConsents.noted(_state_of_others(document, others, lost), [meter.pce for meter in lost])
    changed[OAUTH] = without_secrets(changed.get(OAUTH))
    results = without_secrets(changed.get(RESULTS))
    results["pce_id"] = meters[0].pce
    results["consents"] = [consent.as_json() for consent in meters]
    changed[RESULTS] = results
    return changed


def with_consents(document: Mapping[str, Any], consents: Iterable[Consent]) -> Document:
    """Return the account document with updated consents: new dates, or an ``id_accreditation`` that was missing.

    :param document: the account document as read for this write
    :param consents: all meters of the account, in order
    """
    changed = copied(document)
    results = dict(members(changed.get(RESULTS)))
    consents = list(consents)
    if "consents" not in results:  # the konnector's: its old id_token must not be taken for a new consent later
        former = {"token": results.get("id_token"), "nonce": members(changed.get(OAUTH)).get("nonce")}
        results = without_secrets(results) | ({FORMER: former} if former["token"] else {})
        changed[OAUTH] = without_secrets(changed.get(OAUTH))
    if all(consent.id_accreditation for consent in consents):
        results.pop(FORMER, None)
    results["consents"] = [consent.as_json() for consent in consents]
    changed[RESULTS] = results
    return changed


def without_old_token(document: Document, today: date) -> Document:
    """Return the account document without the konnector's ``id_token`` if it was kept for :data:`FORMER_KEPT`."""
    results = results_of(document)
    if FORMER not in results:
        return document
    looked = [meter.looked for meter in meters_in(document, str(document.get("_id"))) if meter.looked]
    if not looked or today < min(looked) + FORMER_KEPT:
        return document
    return put(document, RESULTS, {key: each for key, each in results.items() if key != FORMER})


def _state_of_others(document: Mapping[str, Any], others: Sequence[Consent], lost: Sequence[Consent]) -> Document:
    """Return the account document with the part of its state that is about the other meters.

    :param others: the meters that the new consents do not name
    :param lost: those of them without a usable consent
    """
    account, state = str(document.get("_id")), document.get("state")
    if state not in (OAUTH_OUTDATED, PERMISSIONS_CHANGED):
        return with_state(document, None)
    if lost:
        said = [(meter.pce, meter.unusable or "not usable") for meter in lost]
        return with_state(document, state, lost_message(account, said, handed_over(document)), partial=True)
    if others and not meters_lost(document):  # GRDF refused a meter, maybe one of these; its list will tell
        return put(document, "state_partial", True)
    return with_state(document, None)


def _beside(consent: Consent, former: Consent | None) -> Consent:
    """Return a new consent together with the rights that the account brought earlier for the same meter."""
    rights = former.rights if former else ()
    again = next((right for right in rights if right.id_accreditation == consent.id_accreditation), None)
    if again and (consent.first, consent.end, consent.calls_until) == (None, None, None):
        # Its dates are known. Whether it can be used is what was said with the new consent.
        consent = replace(again, brought=consent.brought).in_state(consent.unusable, consent.told)
    before = tuple(right for right in rights if right.id_accreditation not in (None, consent.id_accreditation))
    return replace(consent, others=before)


def _right(entry: Mapping[str, Any], pce: str, account: str) -> Consent:
    accepted = entry.get("accepted")
    first, end, calls_until, looked = (day_in(entry.get(key)) for key in ("first", "end", "calls_until", "looked"))
    days = {right: day_in(day) for right, day in members(entry.get("seen")).items()}
    return Consent(
        pce,
        text_in(entry, "id_accreditation", account),
        first,
        end,
        calls_until,
        unusable=text_in(entry, "unusable", account) or "",
        told=text_in(entry, "told", account) or "",
        brought=text_in(entry, "brought", account) or "",
        looked=looked,
        seen=tuple((right, day) for right, day in days.items() if day),
        accepted=accepted if isinstance(accepted, bool) else None,
    )
