"""What GRDF's list says about the rights that an account brought: which days they cover, and whether they are in force.

No ``id_token`` contains the days. A successful call for data proves nothing, because it succeeds under anybody's right
on the meter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.quota.terms import DAILY, Terms
from include.gas.account.account import Account
from include.gas.account.grant import IdToken, former_token
from include.gas.account.sections.rights.list_seen import is_fresh, seen_at, with_seen
from include.gas.account.sections.rights.lost_consents import meters_lost
from include.gas.account.sections.whole_history import history_read
from include.gas.account.state import is_about_proof
from include.gas.answers.access_rights import WAITING
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import FailNow, NotInForce, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_check import CONSENT_STATES, Listed, compared
from include.gas.rights.own_rights import WAITS, held_by

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.oauth import GrdfOAuthHook
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.consents.consent import Consent
    from include.gas.documents.gas_days import Document


def with_dates(adict: AdictHook, accounts: AccountStore, account: Account, terms: Terms = DAILY) -> Account:
    """Ask GRDF for the state and dates of the account's own rights, see :func:`record_dates`.

    :return: the account in its present state, with the dates
    """
    return Account.from_document(record_dates(adict, accounts, account, terms))


def record_dates(adict: AdictHook, accounts: AccountStore, account: Account, terms: Terms = DAILY) -> Document:
    """Ask GRDF for the state and dates of the account's own rights, in one call for all meters, and record them.

    :param account: an account whose meters are known
    :return: its document as it is stored now, with the dates; it may have changed while GRDF was asked
    :raises ServiceUnavailable: if a line of GRDF's list cannot be read and may be about a right that was not found
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
    known, last = accounts.document(account.id), accounts.listed_at(adict.grdf_conn_id)
    claimed = claimed_rights(adict.oauth, known)
    held = other_holders(accounts, account.id, unknown_meters(Account.from_document(known)))
    listed = Listed(answer.rights, asked_at, meters=pces, claimed=claimed, held=held)

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        found = compared(stored, listed, now=now, today=paris_today(now))
        if not found.lost and not is_fresh(seen_at(stored, last), now):
            return with_seen(found.document, utc_text(asked_at))
        return found.document

    return accounts.update(account.id, change, known=known)


def must_ask(document: Mapping[str, Any], account: Account, now: datetime, listed_at: str) -> bool:
    """Return whether GRDF's list must be asked about the consents before data are requested.

    After a refusal, or once a consent has expired, somebody else may have consented on the same meter, and a call for
    data would succeed under that consent. The days that an account's consent covers are also unknown until GRDF has
    said so. The same applies if the last list that showed the account's own rights is too old.

    :param account: the same account, parsed
    :param now: the present, with a time zone
    :param listed_at: when GRDF was asked for the last list by which all accounts were checked, as UTC text, or ""
    """
    today = paris_today(now)
    told = account.state in CONSENT_STATES and not is_about_proof(document)
    doubtful = told or bool(meters_lost(document))
    doubtful = doubtful or not is_fresh(seen_at(document, listed_at), now)
    return doubtful or any(
        not meter.usable(today) or not (meter.is_dated or history_read(document, meter)) for meter in account.meters
    )


def not_in_force(account: str, meter: Consent) -> NotInForce:
    """Return the error for a meter that is not read because none of the rights that its account brought is in force.

    :param meter: the meter, as returned by :func:`with_dates`
    """
    state = meter.unusable or f"over since {meter.calls_until}"
    tag = meter_tag(account, meter.pce)
    if meter.unusable == WAITS:
        cause = f"meter {tag}: which consent it brought is {WAITS}"
        return NotInForce.about(account, cause, "Nothing to do: it is checked again tomorrow.")
    if meter.unusable == WAITING:
        cause = f"meter {tag} is not read before the contract's holder has accepted the right in GRDF's e-mail"
        return NotInForce.about(account, cause, "Nothing to do: grdf_waiting_rights looks for the answer.")
    return NotInForce.about(account, f"meter {tag}: the consent is {state} according to GRDF's list, so it is not read")


def unknown_meters(account: Account) -> list[str]:
    """Return the numbers of meters whose right is unknown: those that the konnector had stored."""
    return [meter.pce for meter in account.meters if meter.id_accreditation is None]


def claimed_rights(oauth: GrdfOAuthHook, document: Mapping[str, Any]) -> dict[str, str]:
    """Return an account's own rights according to the ``id_token`` that an account of the konnector may still hold.

    The token may be years old. What counts is that GRDF signed it for us.

    :param oauth: the hook whose credentials the token is checked with
    :return: meter's number to GRDF's id of the right; empty if there is no such token, or it is not GRDF's
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


def other_holders(
    accounts: AccountStore, account_id: str, pces: Iterable[str], *, also_leaving: bool = False
) -> dict[str, str]:
    """Return which rights on some meters other accounts have brought.

    :param account_id: the account to leave out
    :param also_leaving: whether accounts that are being deleted count, too
    :return: GRDF's id of the right to the account's id
    """
    held: dict[str, str] = {}
    for pce in pces:
        held |= held_by(accounts.holding(pce), but=account_id, also_leaving=also_leaving)
    return held
