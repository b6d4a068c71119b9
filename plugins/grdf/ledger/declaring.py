"""Making sure that GRDF has the right that an account asks for: look, then ask."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.ledger.account_rights import AccountRights
from grdf.ledger.looking import Look
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.declaration_check import to_declare
from include.gas.account.declared_right import is_of_another, is_of_holder, request_of, terms_of
from include.gas.account.own_meters import named_in
from include.gas.account.sections.rights.declaration import Declaration, without_refusal
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import (
    DeclarationRefused,
    FailNow,
    QuotaWait,
    RefusalUnexplained,
    RetryLater,
    RightExists,
    StoreBusy,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import lasting
from include.gas.rights.transitions import UnderWay, answered, asked, lost, refused

log = logging.getLogger(__name__)

ASKED_EARLY = timedelta(days=1)
"""For how long a renewal is tried while the old right goes on. It is tried again once that has ended."""


def declare(rights: AccountRights, accounts: AccountStore, document: Mapping[str, Any]) -> None:
    """Make sure that GRDF has the right that an account's document asks for.

    :raises DeclarationRefused: if GRDF refuses it, or somebody has to correct it
    :raises MeterTaken: if another account has the meter
    :raises RetryLater: if GRDF or CouchDB does not answer; repeating it continues
    """
    rights.stop_if_left()
    given, now = to_declare(document), datetime.now(UTC)
    today = paris_today(now)
    goes_on = any(right.goes_on(today) for right in rights.meter(given.pce).of(rights.account))
    if goes_on and given.entered_at and given.entered_at < utc_text(now - ASKED_EARLY):
        return  # GRDF was asked, and takes no other right before this one ends
    found = rights.look([given.pce, *(pce for pce, _ in named_in(document, rights.account))], given)
    _stop_if_another(rights, given, found)
    _take_up(rights, given, found)
    if lasting(rights.meter(given.pce), rights.account, terms_of(given), today) is None:
        _put(rights, accounts, given, today)


def _put(rights: AccountRights, accounts: AccountStore, given: Declaration, today: date) -> None:
    who, pce = rights.asking(), given.pce
    rights.look_at_other(pce)
    try:
        rights.apply(pce, lambda meter: asked(meter, who, terms_of(given)))
    except UnderWay:
        raise StoreBusy.about(who.account, "its right is being declared by another task") from None
    stop_if_leaving(Account.from_document(accounts.update(who.account, without_refusal)))
    try:
        right = rights.client.declare(pce, request_of(given, today), account=who.account, terms=rights.terms)
    except RightExists as error:
        _settle_existing(rights, given, error)
        return
    except (RetryLater, RefusalUnexplained) as error:  # GRDF may have taken it: the next look tells
        sent = not isinstance(error, QuotaWait)
        rights.apply(pce, lambda meter: lost(meter, who) if sent else refused(meter, who.account))
        raise
    except FailNow:
        rights.apply(pce, lambda meter: refused(meter, who.account))
        raise
    if right.id:
        rights.apply(pce, lambda meter: answered(meter, who, right.id))
    if not (right.id and right.waits):
        rights.look([pce], given)
    log.info("Account %s: the right to read meter %s is declared.", who.account, meter_tag(who.account, pce))


def _settle_existing(rights: AccountRights, given: Declaration, error: RightExists) -> None:
    """GRDF has a right to the meter already: the account's own, which it takes up, or somebody else's."""
    account, pce = rights.account, given.pce
    _take_up(rights, given, rights.look([pce], given))
    rights.apply(pce, lambda meter: refused(meter, account))
    # One that is over, and that GRDF still shows as active, is its own all the same.
    mine = [right for right in rights.meter(pce).of(account) if right.state in ("waiting", "active")]
    if not mine:
        raise DeclarationRefused.about(
            account,
            f"{error.cause}, and no account has it",
            "Nothing was declared. If it is known to be this household's, start grdf_consents with this account, which "
            "gives it the right once it is in force. If it may be somebody's who has moved out, ask GRDF to revoke it, "
            "then start a run of this account's DAG.",
            reason=DeclarationRefused.EXISTS,
        )
    log.info(
        "Account %s: its right to meter %s ends on %s, and GRDF takes no other before. It is declared again by itself "
        "then.", account, meter_tag(account, pce), mine[-1].over_on,
    )  # fmt: skip


def _take_up(rights: AccountRights, given: Declaration, found: Look) -> None:
    """Take up a right that was declared for this very holder, stands at GRDF, and that no account has.

    Not one that the holder has given on GRDF's site: its account may be about to bring it, and whoever knows the name
    and the address could be faster.
    """
    free = {right.id for right in rights.meter(given.pce).of("") if right.client == rights.client.grdf_conn_id}
    for right in found.rights:
        is_declared = right.id in free and right.pce == given.pce and right.stands and not right.made_on_site
        if is_declared and is_of_holder(right, given):
            rights.bring(given.pce, right.id, "declared", chosen=True)


def _stop_if_another(rights: AccountRights, given: Declaration, found: Look) -> None:
    """Raise an error if the account is another household's, or another account has this household's right."""
    own = [right.id for meter in found.meters.values() for right in meter.of(rights.account) if right.id]
    if is_of_another(found.rights, own, given):
        raise DeclarationRefused.about(
            rights.account,
            "another household is or was connected under this account; give this one an account of its own",
            "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete the "
            "account first.",
            reason=DeclarationRefused.ANOTHER,
        )
    for right in () if settings.meter_in_several_accounts() else rights.meter(given.pce).rights:
        line = rights.seen.get(right.id)
        if right.account not in ("", rights.account) and line and line.stands and is_of_holder(line, given):
            raise rights.meter_taken(given.pce)
