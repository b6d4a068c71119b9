"""Rights that GRDF's list shows of what an account has sent, while nobody is named who could say whose they are."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

from grdf.consents.owners.former_household import another, records_of_another
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.account import ACCOUNT_TYPE, Account
from include.gas.account.sections.client import client_if_known, client_of
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import names_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import paris_today
from include.gas.errors import DeclarationRefused
from include.gas.meter_tag import meter_tag
from include.gas.rights.whose_right import are_of_one, is_of_household

log = logging.getLogger(__name__)


def own_of(
    couchdb: CouchDBHook, document: Document, found: Sequence[AccessRight], listed: Sequence[AccessRight]
) -> list[AccessRight]:
    """Return those rights that are of the account's household for all we know, and log why the others are not taken.

    If the account is leaving, its deletion ends all that was declared for it, whoever that was.

    :param found: rights that fit what the account has sent by meter, e-mail address and moment, or that it has
    :param listed: all our rights to the meters in question
    :raises DeclarationRefused: if they are of several households, or another one has the account
    """
    if not found:
        return []
    account, today = str(document["_id"]), paris_today(datetime.now(UTC))
    sent, records = SentDeclarations.of(document), ConsentRecords(couchdb).of(account)
    others = _sent_by_others(couchdb, document, {right.pce for right in found}, today)
    had = {each for meter in Account.from_document(document).meters for each in meter.own}
    mine = []
    for right in found:
        if right.id in had:
            mine.append(right)
        elif not is_of_household(right, sent, records, today):
            _tell(
                account, right, "it is for the e-mail address that this account has declared, and for another name",
                "Find out whose it is. If it is this household's, enter the household again under the name that GRDF "
                "has, then start a run of the account's DAG. If it is another one's, connect that one in an account of "
                "its own once this account is deleted, or once 60 days have passed since its declaration.",
            )  # fmt: skip
        elif is_of_household(right, others, (), today):
            _tell(
                account, right, "another account has sent a declaration for the same holder",
                "Nothing to do if that account's next run takes it. If this is told every morning, find out which of "
                "the two is the household's, and delete the other.",
            )  # fmt: skip
        else:
            mine.append(right)
    new = [right for right in mine if right.id not in had]
    if new and leaving(document) is None:
        _stop_if_several(couchdb, document, new, listed, had)
    return mine


def _stop_if_several(
    couchdb: CouchDBHook,
    document: Document,
    new: Sequence[AccessRight],
    listed: Sequence[AccessRight],
    had: Collection[str],
) -> None:
    """Raise an error if rights would bring two households into one account.

    Who holds a right that was given on GRDF's site is named by an account there, which may be another member's.

    :param new: rights to be taken
    :param listed: all our rights to the meters in question
    :param had: GRDF's ids of the account's own rights
    """
    account = str(document["_id"])
    own = [right for right in listed if right.id in had]
    told = [right for right in (*new, *own) if any(right.holder[:2]) and not right.made_on_site]
    if not are_of_one(told, SentDeclarations.of(document)):
        named = ", ".join(f"{right.id} to meter {meter_tag(account, right.pce)}" for right in new)
        raise DeclarationRefused.about(
            account,
            "GRDF's list shows rights of different holders that were declared for this account, so it was not given "
            f"{named}",
            "Ask GRDF to revoke the rights of the household that the account is not for, or delete the account, which "
            "ends them all. Then connect that household in an account of its own.",
            reason=DeclarationRefused.ANOTHER,
        )
    if not names_person(document) and (others := records_of_another(couchdb, account, document, new, listed)):
        raise another(account, others)


def _tell(account: str, right: AccessRight, cause: str, step: str) -> None:
    log.warning(
        "Account %s: GRDF's list shows right %s to meter %s, made on %s. It is not taken into this account: %s. %s",
        account, right.id, meter_tag(account, right.pce), right.created, cause, step,
    )  # fmt: skip


def _sent_by_others(
    couchdb: CouchDBHook, document: Document, pces: Collection[str], today: date
) -> list[SentDeclarations]:
    """Return what other accounts of the same client have sent for some meters: the rights in hand are that client's.

    Whoever sends something notes it before GRDF can have it.

    So what GRDF's list in hand shows is noted by now, and stays noted until the right is that account's.
    """
    every = AccountStore(couchdb).every()
    others = (each for each in every if each.get("account_type") == ACCOUNT_TYPE and each["_id"] != document["_id"])
    theirs = (each for each in others if client_if_known(each) == client_of(document))
    found = (sent for each in theirs for sent in SentDeclarations.of(each) if sent.pce in pces)
    return [sent for sent in found if not sent.is_forgotten(today)]
