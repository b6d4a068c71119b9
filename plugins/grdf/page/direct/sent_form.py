"""Sending the form of the direct way: the record of the consent is stored, then the account with its declaration.

GRDF is asked by the account's run. Whoever sends the same again, from another tab too, is led to the same page.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grdf.hooks.connection import connection_of
from grdf.page.connect.direct_form import Ticket
from grdf.page.connect.exchange import Stop, check_open, couchdb, let_pass, place
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.connected import declaring, is_of_another
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration, without_old_person
from include.gas.display.progress import Step, progress
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import Document
from include.gas.documents.stored_consent import ConsentRecord, ConsentText
from include.gas.errors import GasError
from include.gas.proof.consent_record import HOUSEHOLD, new_record

log = logging.getLogger(__name__)
UNDECIDED = (Step.DECLARING, Step.WAITS)


@dataclass(frozen=True)
class Order:
    """What is to be declared, and who wants it.

    :param ticket: the form's ticket
    :param asked: what was entered, checked
    :param by: who connects the account, for records and logs
    :param agreed: the text that the household ticked; ``None`` for an operator
    :param proof: where the consent is kept that an operator was given
    """

    ticket: Ticket
    asked: Declaration = field(repr=False)
    by: str
    agreed: ConsentText | None = None
    proof: str = ""

    def record(self, at: datetime) -> ConsentRecord:
        """Return the record of the consent."""
        by = HOUSEHOLD if self.ticket.link else self.by
        return new_record(
            self.ticket.account, self.asked, at, by=by, agreed=self.agreed, proof=self.proof, name=self.ticket.name
        )


class _SentBefore(Exception):
    """The same was sent by another request.

    :param at: when
    """

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.at = at


def send(order: Order) -> str:
    """Store what a form asks for, unless the same was sent before. Return when it was, as the account says.

    :raises GasError: if the account cannot be connected
    :raises Stop: if it cannot be now, or the link not be used
    """
    store, ticket, account = couchdb(), order.ticket, order.ticket.account
    links, records, record = HouseholdLinks(store), ConsentRecords(store), order.record(datetime.now(UTC))
    client = place(account).connection

    def change(stored: Document | None) -> Document:
        if before := _sent_before(records, stored, record):
            raise _SentBefore(before)
        check_open(store, account, stored)
        if stored is not None and connection_of(stored) != client:
            raise Stop("changed", 409)
        if stored is not None and is_of_another(without_old_person(stored, datetime.now(UTC)), order.asked):
            log.warning(
                "Account %s: a form of %s was not sent, since another one waits for GRDF's answer, for another holder, "
                "e-mail address or meter.", account, order.by,
            )  # fmt: skip
            raise Stop("direct_waits.household" if ticket.link else "direct_waits", 409)
        if ticket.link and links.standing(account, ticket.link) != "used":
            raise Stop("link_void", 410)
        at = datetime.fromisoformat(record.given)
        return declaring(stored, account, order.asked, at=at, by=order.by, record=record.id, connection=client)

    if before := _sent_before(records, store.get(ACCOUNT, account), record):
        return before
    if ticket.link:
        let_pass(links.take(account, ticket.link, ticket.name))
    try:
        records.add(record)
        AccountStore(store).save(account, change)
    except _SentBefore as sent:
        records.remove(record)
        return sent.at
    except (GasError, Stop) as error:
        records.remove(record)
        if ticket.link:  # a link is for no guessing at what others have sent
            tells = isinstance(error, Stop) and error.key == "connect.direct_waits.household"
            links.give_back(account, ticket.name, untried=not tells)
        raise
    log.info("Account %s: %s connected it, and its right is to be declared.", account, order.by)
    return record.given


def _sent_before(records: ConsentRecords, document: Document | None, record: ConsentRecord) -> str:
    """Return when the same was sent: by this very form, or by one whose right is being declared; ``""`` if it was not.

    A household's own form is always recorded, since it has ticked the text.
    """
    named = Connected.record_of(document) if document else ""
    before = next((each for each in records.of(record.account) if each.id == named), None)
    if before is None or _content(before) != _content(record):
        return ""
    same_form = before.id.rpartition(":")[2] == record.id.rpartition(":")[2]
    return before.given if same_form or progress(document).step in UNDECIDED else ""


def _content(record: ConsentRecord) -> tuple[object, ...]:
    return record.pce, record.entered, record.proof, record.by == HOUSEHOLD
