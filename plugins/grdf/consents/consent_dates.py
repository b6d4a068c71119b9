"""What GRDF's list says of the rights that an account brought: how far each reaches, and whether it is in force.

No ``id_token`` says how far; and a call for data proves nothing, since it succeeds under anybody's right on the meter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.quota.terms import DAILY, Terms
from include.gas.account.account import Account
from include.gas.account.grant import IdToken, former_token
from include.gas.account.sections.list_seen import is_fresh, seen_at, with_seen
from include.gas.account.sections.lost_consents import meters_lost
from include.gas.account.sections.whole_history import history_read
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import FailNow, NotInForce, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_check import CONSENT_STATES, Listed, compared
from include.gas.rights.own_rights import WAITS, held_by

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.oauth import GrdfOAuthHook
    from grdf.stores.account_store import AccountStore
    from include.gas.consents.consent import Consent


def with_dates(adict: AdictHook, accounts: AccountStore, account: Account, terms: Terms = DAILY) -> Account:
    """Ask GRDF how the account's own rights stand and how far each reaches, in one call for all meters, and note it.

    :param adict: the hook that asks
    :param accounts: the account documents
    :param account: an account whose meters are known
    :param terms: on what terms the call waits for GRDF's quota
    :return: the account as it is now, with the dates; its document may have changed while GRDF was asked
    :raises ServiceUnavailable: when a line of GRDF's list cannot be read, and may be about a right that is not found
    """
    asked_at = datetime.now(UTC)
    pces = [meter.pce for meter in account.meters]
    answer = adict.listed_rights(pces, account=account.id, terms=terms)
    found = {right.id for right in answer.rights}
    if answer.odd and any(not meter.own or not meter.own <= found for meter in account.meters):
        raise ServiceUnavailable.about(
            account.id,
            f"{answer.odd} line(s) of GRDF's list of its consents could not be read, perhaps including one of its own",
        )
    known, last = accounts.document(account.id), accounts.listed_at()
    claimed = claimed_rights(adict.oauth, known)
    held = other_holders(accounts, account.id, unknown_meters(Account.from_document(known)))
    listed = Listed(answer.rights, asked_at, meters=pces, claimed=claimed, held=held)

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        warn = settings.consent_warning_days()
        found = compared(stored, listed, now=now, today=paris_today(now), warn_days=warn)
        if not found.lost and not is_fresh(seen_at(stored, last), now):
            return with_seen(found.document, utc_text(asked_at))
        return found.document

    return Account.from_document(accounts.update(account.id, change))


def must_ask(document: Mapping[str, Any], account: Account, now: datetime, listed_at: str) -> bool:
    """Return whether GRDF's list must say how the consents stand before data are asked for.

    A refusal, or a consent that has run out, may have been followed by somebody else's consent on the same meter, under
    which a call for data would succeed; and for which days the account has a consent is not known before GRDF says it.
    The same where the last list that showed the account's own rights is too old.

    :param document: the account's document
    :param account: the same, read
    :param now: the present, aware
    :param listed_at: when the last list by which all accounts were checked was asked for, UTC text, or ""
    """
    today = paris_today(now)
    doubtful = account.state in CONSENT_STATES or bool(meters_lost(document))
    doubtful = doubtful or not is_fresh(seen_at(document, listed_at), now)
    return doubtful or any(
        not meter.usable(today) or not (meter.is_dated or history_read(document, meter)) for meter in account.meters
    )


def not_in_force(account: str, meter: Consent) -> NotInForce:
    """Say that a meter is not read, since none of the rights that its account brought is in force.

    :param account: the account's id
    :param meter: the meter, as :func:`with_dates` has left it
    """
    state = meter.unusable or f"over since {meter.calls_until}"
    tag = meter_tag(account, meter.pce)
    if meter.unusable == WAITS:
        cause = f"meter {tag}: which consent it brought is {WAITS}"
        return NotInForce.about(account, cause, "Nothing to do: it is checked again tomorrow.")
    return NotInForce.about(account, f"meter {tag}: the consent is {state} according to GRDF's list, so it is not read")


def unknown_meters(account: Account) -> list[str]:
    """Return the meters of which it is not known what right the account brought: the konnector's.

    :param account: the account
    """
    return [meter.pce for meter in account.meters if meter.id_accreditation is None]


def claimed_rights(oauth: GrdfOAuthHook, document: Mapping[str, Any]) -> dict[str, str]:
    """Read from the ``id_token`` that an account of the konnector's still holds which rights are its own.

    It may be years old: that GRDF signed it for us is what counts here.

    :param oauth: whose credentials it is checked with
    :param document: the account's document
    :return: meter to GRDF's id of the right; nothing when there is no such token, or it is not GRDF's
    """
    account = Account.from_document(document)
    token = account.grant if isinstance(account.grant, IdToken) else former_token(document)
    if not unknown_meters(account) or token is None:
        return {}
    try:
        consents = oauth.consents_of(token.token, account=account.id, nonce=token.nonce, ever=True)
    except FailNow:
        return {}
    return {consent.pce: consent.id_accreditation for consent in consents if consent.id_accreditation}


def other_holders(accounts: AccountStore, account_id: str, pces: Iterable[str]) -> dict[str, str]:
    """Return which rights on some meters other accounts have brought.

    :param accounts: the account documents
    :param account_id: the account that does not count
    :param pces: the meters
    :return: GRDF's id of the right to the account's
    """
    held: dict[str, str] = {}
    for pce in pces:
        held |= held_by(accounts.holding(pce), but=account_id)
    return held
