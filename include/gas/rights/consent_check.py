"""Compares an account with GRDF's list of rights: consents that are lost, in force again, or about to end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from include.gas.account.account import Account
from include.gas.account.own_meters import with_consents, without_old_token
from include.gas.account.sections.rights.declaration import Declaration, is_refused, refusal_of
from include.gas.account.sections.rights.list_seen import ConsentEnds, with_missed
from include.gas.account.sections.rights.lost_consents import (
    LostConsents,
    OthersRights,
    SharedMeters,
    given_back,
    handed_over,
    lost_message,
    meters_lost,
)
from include.gas.account.state import is_about_proof, with_state
from include.gas.answers.access_rights import WAITING, AccessRight
from include.gas.answers.words import moment_in
from include.gas.consents.consent import ENDS_SOON, Consent, told
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document
from include.gas.errors import OAUTH_OUTDATED, PERMISSIONS_CHANGED, USER_ACTION_NEEDED, VENDOR_DOWN
from include.gas.meter_tag import meter_tag
from include.gas.rights.declared_right import after_look, still_waiting, waiting_message
from include.gas.rights.own_rights import WAITS, foreign, learnt, made_on
from include.gas.rights.proof_check import with_listed, with_refusal_told

CONSENT_STATES = (OAUTH_OUTDATED, PERMISSIONS_CHANGED, USER_ACTION_NEEDED)


@dataclass(frozen=True, slots=True)
class Listed:
    """GRDF's list of our rights, and what we know about the accounts they belong to.

    :param rights: all our rights to the requested meters
    :param asked_at: when GRDF was asked, aware; the list cannot contain rights brought later
    :param meters: the requested meters; ``None`` for all. What we know about other meters is kept
    :param claimed: the ids of rights that the account's checked ``id_token`` names, by meter, for meters whose own
        right is unknown
    :param held: ids of rights to these meters that other accounts have brought
    :param declared: whether the list may say of declared rights that their holder has answered; only
        ``grdf.consents.declarations.waiting_rights`` lets it, which makes sure that no other account has the meter
    """

    rights: Sequence[AccessRight]
    asked_at: datetime
    meters: Collection[str] | None = None
    claimed: Mapping[str, str] = field(default_factory=dict)
    held: Collection[str] = ()
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of the check of one account.

    :param document: the updated account document
    :param lost: meters without a usable consent, each with the state of the consent in words
    :param restored: whether consents that were lost are usable again
    :param ends: the last day on which the first consent to end is of use, if that is soon; otherwise ``None``
    :param foreign: rights to its meters that are in force, or may be, and that the account has not brought
    """

    document: Document
    lost: tuple[tuple[str, str], ...] = ()
    restored: bool = False
    ends: date | None = None
    foreign: tuple[AccessRight, ...] = ()

    def is_news(self, document: Mapping[str, Any]) -> bool:
        """Return whether a consent is lost for the first time, with no other proof than the list.

        If somebody else has given a right to the meter, that is another proof, and the loss must take effect at once.

        :param document: the account document before the check
        """
        fresh = {pce for pce, how in self.lost if how != WAITS} - meters_lost(document)
        return bool(fresh) and not fresh & self.handed_over(document)

    def handed_over(self, document: Mapping[str, Any]) -> set[str]:
        """Return the meters to which somebody else has given a right, except those known to be shared by two accounts.

        :param document: the account document before the check; what it says about shared meters counts as long as
            nobody has given a newer consent for them
        """
        noted, known = OthersRights.of(self.document), OthersRights.of(document)
        shared = {pce for pce in SharedMeters.of(document) if pce in known and known[pce] == noted.get(pce)}
        return {right.pce for right in self.foreign} - shared


def check_consents(document: Mapping[str, Any], listed: Listed, *, now: datetime, today: date) -> Finding | None:
    """Compare an account with GRDF's list of rights for the check every morning.

    :return: ``None`` for an account that is leaving, whose meters are not known yet, or that has connected again
    :raises BadAccount: if the document cannot be understood
    """
    account = Account.from_document(document)
    if account.leaving or not account.meters or account.reconnected:
        return None
    return compared(document, listed, now=now, today=today)


def compared(document: Mapping[str, Any], listed: Listed, *, now: datetime, today: date) -> Finding:
    """Compare an account's meters with GRDF's list of rights.

    Only rights that the account itself has brought count. Another right to the same meter may belong to the people who
    live there now. It is noted, but gives the account no consent.

    :param document: the account document as read for this write
    :raises BadAccount: if the document cannot be understood
    """
    account = Account.from_document(document)
    before, made, declared = meters_lost(document), made_on(document), Declaration.of(document) is not None
    refusal = refusal_of(document)
    meters: list[Consent] = []
    lost: list[tuple[str, str]] = []
    others: list[AccessRight] = []
    narrow = True
    for meter in account.meters:
        if listed.meters is not None and meter.pce not in listed.meters:
            meters.append(meter)
            if meter.pce in before:
                lost.append((meter.pce, meter.unusable or "not usable"))
                narrow = narrow and account.state == PERMISSIONS_CHANGED
            continue
        claimed = listed.claimed.get(meter.pce)
        known = learnt(meter, listed.rights, today=today, made=made, claimed=claimed, held=listed.held)
        now_told = told(known, listed.rights, today, listed.asked_at)
        if declared:
            ids = {right.id for right in listed.rights} if listed.declared else None
            now_told = still_waiting(meter, now_told, ids, listed.asked_at)
        meters.append(now_told)
        others += foreign(now_told, listed.rights) if now_told.unusable != WAITS else ()
        if now_told.lost:
            lost.append((meter.pce, now_told.unusable))
            mine = [right for right in listed.rights if right.id in now_told.own]
            narrow = narrow and any(each.state == "active" and each.informative is False for each in mine)
    changed = with_consents(document, meters) if tuple(meters) != account.meters else dict(document)
    changed = without_old_token(changed, today)
    ends = [meter.until for meter in meters if not meter.lost and meter.until is not None]
    ends = [day for day in ends if day <= today + ENDS_SOON]
    # If the list shows every consent as usable, the state is cleared, whatever set it: GRDF sometimes refuses meters by
    # mistake (ADICT 3.7), and one wrong answer must not stop a household for good. If GRDF still refuses the data, the
    # next run reports it as an error at GRDF (``grdf.consents.lists.doubt``).
    restored = not (lost or account.refused) and (
        (account.state in CONSENT_STATES and not is_about_proof(document))
        or (account.state == VENDOR_DOWN and bool(before))
    )
    partial = len(lost) < len(meters)
    if lost and all(how == WAITS for _, how in lost):
        said = "; ".join(meter_tag(account.id, pce) for pce, _ in lost)
        message = (
            f"Account {account.id}: which consent it brought for meter {said} is {WAITS}. Nothing to do: it is checked "
            "again tomorrow, and read from then on."
        )
        changed = with_state(changed, VENDOR_DOWN, message, since=now, partial=partial)
    elif refusal and all(how == WAITING for _, how in lost):
        # The list says nothing about a declaration that a person has to correct.
        changed = with_state(changed, USER_ACTION_NEEDED, refusal, since=now, partial=partial)
    elif lost and all(how == WAITING for _, how in lost) and declared:
        waiting = [meter for meter in meters if meter.lost]
        since = min(filter(None, (moment_in(meter.brought) for meter in waiting)), default=utc_text(now))
        message = waiting_message(account.id, [meter.pce for meter in waiting], datetime.fromisoformat(since), now)
        changed = with_state(changed, USER_ACTION_NEEDED, message, since=now, partial=partial)
    elif lost:
        word = PERMISSIONS_CHANGED if narrow else OAUTH_OUTDATED
        message = lost_message(account.id, lost, {right.pce for right in others})
        changed = with_state(changed, word, f"{message} {refusal}".rstrip(), since=now, partial=partial)
    elif restored:
        changed = with_state(changed, None)
    changed = with_missed(LostConsents.noted(changed, [pce for pce, _ in lost]), None)
    changed = ConsentEnds.noted(changed, min(ends).isoformat() if ends else None)
    changed = OthersRights.noted(changed, _noted(document, listed, others))
    changed = after_look(changed, listed.asked_at, listed.rights)
    changed = with_listed(changed, meters, listed.rights, listed.asked_at, listed.meters)
    changed = with_refusal_told(changed, now, lost=bool(lost))
    return Finding(changed, tuple(lost), restored=restored, ends=min(ends, default=None), foreign=tuple(others))


def to_give_back(document: Mapping[str, Any], rights: Sequence[AccessRight], seen: str, today: date) -> dict[str, str]:
    """Return the meters whose days may have been read under somebody else's right, and since which moment.

    From that moment on, the other right existed and the account's own rights had ended. Everything read before a list
    showed one of its own rights in force belongs to the account. If neither such a list nor the end of its own rights
    is known, the moment is unknown and the meter is left out. When a right ended that nobody had accepted says nothing.

    :param document: the account document after the check
    :param rights: all our rights to its meters
    :param seen: when a list last showed the account's own rights, UTC text, or ``""``
    :return: moments, UTC text, by meter
    """
    known, noted = given_back(document), OthersRights.of(document)
    found: dict[str, str] = {}
    for meter in Account.from_document(document).meters:
        others = foreign(meter, rights)
        if not (meter.own and others and meter.pce in handed_over(document)):
            continue
        if meter.pce in known and known[meter.pce].made == noted[meter.pce]:
            continue
        own = {each.id_accreditation for each in meter.rights if each.id_accreditation and not each.was_never_in_force}
        mine = {right.id: right.over_at(today) for right in rights if right.id in own}
        over = max(mine.values(), default="") if mine.keys() == own and all(mine.values()) else ""
        if over or seen:
            found[meter.pce] = max(min(right.created_at for right in others), over, seen)
    return found


def keeps_state(document: Mapping[str, Any]) -> bool:
    """Return whether a successful load must not clear an account's state.

    It must not if the state is about a lost consent, about a declaration that a person has to correct, or about a proof
    that GRDF has refused.

    :param document: the account document as read for this write
    """
    if is_refused(document) or is_about_proof(document):
        return True
    noted = meters_lost(document)
    lost = [meter for meter in Account.from_document(document).meters if meter.lost and meter.pce in noted]
    state = document.get("state")
    return bool(lost) and (state in CONSENT_STATES or all(meter.unusable == WAITS for meter in lost))


def _noted(document: Mapping[str, Any], listed: Listed, others: Sequence[AccessRight]) -> dict[str, str | None]:
    """Return when the newest right of others was created, for each meter that has one."""
    known = OthersRights.of(document) if listed.meters is not None else {}
    noted = {pce: made for pce, made in known.items() if pce not in (listed.meters or ())}
    for right in sorted(others, key=lambda each: each.created or date.min):
        noted[right.pce] = right.created.isoformat() if right.created else None
    return noted
