"""What GRDF's list of rights means for an account: consents lost without us, renewed, or about to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.accounts import UNEXPLAINED, Account, with_consents, with_state
from include.gas.consents import AccessRight, Consent, consent_state, usable_right
from include.gas.documents import Document
from include.gas.errors import OAUTH_OUTDATED, PERMISSIONS_CHANGED
from include.gas.lost import ENDS, meters_lost, with_lost
from include.gas.meter_tag import meter_tag

CONSENT_STATES = (OAUTH_OUTDATED, PERMISSIONS_CHANGED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found out about one account.

    :param document: the account document as it should be now.
    :param lost: meters whose consent is not usable, with how it stands.
    :param restored: whether a consent that was lost is there again.
    :param ends: the earliest last day of the account's consents when that is near, else None.
    """

    document: Document
    lost: tuple[tuple[str, str], ...] = ()
    restored: bool = False
    ends: date | None = None


def check_consents(
    document: Mapping[str, Any], rights: Sequence[AccessRight], *, now: datetime, today: date, warn_days: int
) -> Finding | None:
    """Compare an account with GRDF's list of rights.

    :param document: the account document.
    :param rights: all rights of ours on its meters.
    :param now: the present, aware.
    :param today: civil date in Paris.
    :param warn_days: how many days before its end a consent is worth a warning.
    :return: the finding, or None for an account whose meters are not known yet or that is leaving.
    :raises BadAccount: when the document is odd.
    """
    account = Account.from_document(document)
    if account.leaving or account.needs_first_launch:
        return None
    lost: list[tuple[str, str]] = []
    meters: list[Consent] = []
    ends: list[date] = []
    narrow, renewed = True, False
    for meter in account.meters:
        right = usable_right(rights, meter.pce, today)
        if right is None:
            lost.append((meter.pce, consent_state(rights, meter.pce, today)))
            mine = [each for each in rights if each.pce == meter.pce]
            narrow = narrow and any(each.state == "active" and each.informative is False for each in mine)
            meters.append(meter)
            continue
        meters.append(right.consent())
        renewed = renewed or right.id != meter.id_accreditation
        if right.last is not None and right.last <= today + timedelta(days=warn_days):
            ends.append(right.last)
    changed = with_consents(document, meters) if tuple(meters) != account.meters else dict(document)
    # A state that a refused call has set stays while the list holds the very consent that was refused, unless the
    # refusal gave no reason: a gateway before GRDF that refuses for a while must not stop households for good.
    doubtful = bool(meters_lost(document) or document.get(UNEXPLAINED))
    restored = not lost and account.state in CONSENT_STATES and (renewed or doubtful)
    if lost:
        word = PERMISSIONS_CHANGED if narrow else OAUTH_OUTDATED
        said = "; ".join(f"meter {meter_tag(account.id, pce)}: the consent is {state}" for pce, state in lost)
        message = f"Account {account.id}: {said} according to GRDF's list. The household must consent again."
        changed = with_state(changed, word, message, since=now, partial=len(lost) < len(meters))
    elif restored:
        changed = with_state(changed, None)
    changed = with_lost(changed, [pce for pce, _ in lost])
    changed.pop(ENDS, None)
    changed |= {ENDS: min(ends).isoformat()} if ends else {}
    return Finding(changed, tuple(lost), restored=restored, ends=min(ends, default=None))
