"""What GRDF's list of rights means for an account: consents lost without us, in force again, or about to end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.own_meters import with_consents, without_old_token
from include.gas.account.sections.list_seen import ConsentEnds, with_missed
from include.gas.account.sections.lost_consents import (
    LostConsents,
    OthersRights,
    SharedMeters,
    given_back,
    handed_over,
    lost_message,
    meters_lost,
)
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.consents.consent import Consent, told
from include.gas.documents.gas_days import Document
from include.gas.errors import OAUTH_OUTDATED, PERMISSIONS_CHANGED, VENDOR_DOWN
from include.gas.meter_tag import meter_tag
from include.gas.rights.own_rights import WAITS, foreign, learnt, made_on

CONSENT_STATES = (OAUTH_OUTDATED, PERMISSIONS_CHANGED)


@dataclass(frozen=True, slots=True)
class Listed:
    """An answer of GRDF's about our rights, and what is known of whose they are.

    :param rights: all rights of ours on the meters that were asked
    :param asked_at: when GRDF was asked, aware: the answer cannot hold what was brought later
    :param meters: the meters that were asked; None for all there are. What is known of others stays
    :param claimed: for meters whose own right is not known: the id that the account's checked ``id_token`` names
    :param held: ids of rights that other accounts have brought, for those meters
    """

    rights: Sequence[AccessRight]
    asked_at: datetime
    meters: Collection[str] | None = None
    claimed: Mapping[str, str] = field(default_factory=dict)
    held: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found out about one account.

    :param document: the account document as it should be now
    :param lost: meters whose consent is not usable, with how it stands
    :param restored: whether a consent that was lost is there again
    :param ends: the last day of use of the account's consents when the first of them to end is near, else None
    :param foreign: rights on its meters that stand and that it has not brought
    """

    document: Document
    lost: tuple[tuple[str, str], ...] = ()
    restored: bool = False
    ends: date | None = None
    foreign: tuple[AccessRight, ...] = ()

    def is_news(self, document: Mapping[str, Any]) -> bool:
        """Return whether the list alone says that a consent is lost, and says so for the first time.

        Where somebody else's right stands on the meter, the loss is no mere absence, and must not wait.

        :param document: the account document as it was before
        """
        fresh = {pce for pce, how in self.lost if how != WAITS} - meters_lost(document)
        return bool(fresh) and not fresh & self.handed_over(document)

    def handed_over(self, document: Mapping[str, Any]) -> set[str]:
        """Return the meters on which somebody else's right stands, but not those that two accounts were known to share.

        :param document: the account document as it was before: what it says of shared meters counts as long as nobody
            has consented on them since
        """
        noted, known = OthersRights.of(self.document), OthersRights.of(document)
        shared = {pce for pce in SharedMeters.of(document) if pce in known and known[pce] == noted.get(pce)}
        return {right.pce for right in self.foreign} - shared


def check_consents(
    document: Mapping[str, Any], listed: Listed, *, now: datetime, today: date, warn_days: int
) -> Finding | None:
    """Compare an account with GRDF's list of rights, as the check of every morning does.

    :param document: the account document
    :param listed: what GRDF's list says
    :param now: the present, aware
    :param today: civil date in Paris
    :param warn_days: how many days before its end a consent is worth a warning
    :return: the finding, or None for an account whose meters are not known yet or that is leaving
    :raises BadAccount: when the document is odd
    """
    account = Account.from_document(document)
    if account.leaving or account.needs_first_launch:
        return None
    return compared(document, listed, now=now, today=today, warn_days=warn_days)


def compared(document: Mapping[str, Any], listed: Listed, *, now: datetime, today: date, warn_days: int) -> Finding:
    """Compare an account's meters with GRDF's list of rights.

    Only rights that the account brought itself count. Another one on the same meter may be that of whoever lives there
    now: it is told, and changes nothing.

    :param document: the account document, as it is when it is written
    :param listed: what GRDF's list says
    :param now: the present, aware
    :param today: civil date in Paris
    :param warn_days: how many days before its end a consent is worth a warning
    :raises BadAccount: when the document is odd
    """
    account = Account.from_document(document)
    before, made = meters_lost(document), made_on(document)
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
        meters.append(now_told)
        others += foreign(now_told, listed.rights) if now_told.unusable != WAITS else ()
        if now_told.lost:
            lost.append((meter.pce, now_told.unusable))
            mine = [right for right in listed.rights if right.id in now_told.own]
            narrow = narrow and any(each.state == "active" and each.informative is False for each in mine)
    changed = with_consents(document, meters) if tuple(meters) != account.meters else dict(document)
    changed = without_old_token(changed, today)
    ends = [meter.until for meter in meters if not meter.lost and meter.until is not None]
    ends = [day for day in ends if day <= today + timedelta(days=warn_days)]
    # Whatever has set the state, a list that holds each consent as usable takes it away: GRDF refuses meters by mistake
    # (ADICT 3.7), and one wrong answer must not stop a household for good. Where GRDF refuses on, the next run
    # says so as a fault of GRDF's (``grdf.consents.doubt``).
    restored = not lost and (account.state in CONSENT_STATES or (account.state == VENDOR_DOWN and bool(before)))
    if lost and all(how == WAITS for _, how in lost):
        said = "; ".join(meter_tag(account.id, pce) for pce, _ in lost)
        message = (
            f"Account {account.id}: which consent it brought for meter {said} is {WAITS}. Nothing to do: it is checked "
            "again tomorrow, and read from then on."
        )
        changed = with_state(changed, VENDOR_DOWN, message, since=now, partial=len(lost) < len(meters))
    elif lost:
        word = PERMISSIONS_CHANGED if narrow else OAUTH_OUTDATED
        message = lost_message(account.id, lost, {right.pce for right in others})
        changed = with_state(changed, word, message, since=now, partial=len(lost) < len(meters))
    elif restored:
        changed = with_state(changed, None)
    changed = with_missed(LostConsents.noted(changed, [pce for pce, _ in lost]), None)
    changed = ConsentEnds.noted(changed, min(ends).isoformat() if ends else None)
    changed = OthersRights.noted(changed, _noted(document, listed, others))
    return Finding(changed, tuple(lost), restored=restored, ends=min(ends, default=None), foreign=tuple(others))


def to_give_back(document: Mapping[str, Any], rights: Sequence[AccessRight], seen: str, today: date) -> dict[str, str]:
    """Return the meters of which days may have been read under somebody else's right, and since when.

    That is since that right was made and the own ones were over; what was read before a list showed an own one in force
    is the account's. Where neither that list nor the end of the own rights is known, nobody can tell.

    :param document: the account document, as the check has left it
    :param rights: all rights of ours on its meters
    :param seen: when a list last showed its own rights, UTC text, or ""
    :param today: civil date in Paris
    """
    known, noted = given_back(document), OthersRights.of(document)
    found: dict[str, str] = {}
    for meter in Account.from_document(document).meters:
        others = foreign(meter, rights)
        if not (meter.own and others and meter.pce in handed_over(document)):
            continue
        if meter.pce in known and known[meter.pce].made == noted[meter.pce]:
            continue
        mine = {right.id: right.over_at(today) for right in rights if right.id in meter.own}
        over = max(mine.values()) if mine.keys() == meter.own and all(mine.values()) else ""
        if over or seen:
            found[meter.pce] = max(min(right.created_at for right in others), over, seen)
    return found


def keeps_state(document: Mapping[str, Any]) -> bool:
    """Return whether an account's state is about a consent that is lost, and so outlives the load of what was read.

    :param document: the account document, as it is when it is written
    """
    noted = meters_lost(document)
    lost = [meter for meter in Account.from_document(document).meters if meter.lost and meter.pce in noted]
    state = document.get("state")
    return bool(lost) and (state in CONSENT_STATES or all(meter.unusable == WAITS for meter in lost))


def _noted(document: Mapping[str, Any], listed: Listed, others: Sequence[AccessRight]) -> dict[str, str | None]:
    """Say for each meter on which another right stands when the newest one was made."""
    known = OthersRights.of(document) if listed.meters is not None else {}
    noted = {pce: made for pce, made in known.items() if pce not in (listed.meters or ())}
    for right in sorted(others, key=lambda each: each.created or date.min):
        noted[right.pce] = right.created.isoformat() if right.created else None
    return noted
