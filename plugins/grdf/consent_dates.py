"""How far each consent of an account reaches: learnt from GRDF once, since no ``id_token`` says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.gas.accounts import with_consents
from include.gas.consents import dated
from include.gas.days import paris_today

if TYPE_CHECKING:
    from grdf.hooks.accounts import AccountStore
    from grdf.hooks.adict import AdictHook
    from include.gas.accounts import Account


def with_dates(adict: AdictHook, accounts: AccountStore, account: Account) -> Account:
    """Ask GRDF how far each consent reaches, in one call for all meters, and note it on the account.

    :param adict: the hook that asks
    :param accounts: the account documents
    :param account: an account whose meters are known
    :return: the account with the dates
    """
    rights = adict.access_rights([meter.pce for meter in account.meters], account=account.id)
    today = paris_today(datetime.now(UTC))
    meters = tuple(dated(meter, rights, today) for meter in account.meters)
    accounts.update(account.id, lambda document: with_consents(document, meters))
    return replace(account, meters=meters)
