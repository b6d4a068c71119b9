"""Declaring a household's right while a person waits, so that they hear at once what GRDF says.

The record of the consent is stored first, then the account with its declaration, then GRDF is asked. If GRDF refuses,
or the meter is taken, the account is as before and the record is gone. If GRDF does not answer, both stay, and the
account's DAG tries again; a form for somebody else is refused until GRDF has answered.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grdf.consents.declarations.declaring import Declaring
from grdf.consents.owners.former_household import stop_if_another
from grdf.hooks.connection import connection_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.page.connect.direct_form import Ticket
from grdf.page.connect.exchange import (
    PATIENCE,
    Stop,
    adict,
    check_link_calls,
    couchdb,
    deletions_now,
    let_pass,
    place,
)
from grdf.page.direct.undoing import Undoing
from grdf.quota.terms import Terms
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.once import Once
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.connected import check_connectable, declaring, is_of_another
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration, without_old_person
from include.gas.answers.access_rights import Rights
from include.gas.display.progress import Step, progress
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import Document
from include.gas.documents.stored_consent import ConsentRecord, ConsentText
from include.gas.errors import (
    BadAccount,
    DeclarationRefused,
    FailNow,
    GasError,
    LinkCallsSpent,
    RetryLater,
)
from include.gas.proof.consent_record import HOUSEHOLD, new_record

log = logging.getLogger(__name__)
_WAITS = "direct_waits.household"
UNDECIDED = (Step.DECLARING, Step.WAITS)


class AlreadySent(Exception):
    """The form was sent before, or another one with the same content.

    :param name: the name of the ticket of the form that was sent
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


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

    @property
    def account(self) -> str:
        """The account's id."""
        return self.ticket.account


def sent_record(account: str, name: str) -> ConsentRecord | None:
    """Return the record that a form has led to, if it is the newest of its account.

    :param name: the name of the form's ticket
    """
    records = ConsentRecords(couchdb()).of(account)
    return records[-1] if records and records[-1].id.endswith(f":{name}") else None


def send(order: Order) -> None:
    """Record the consent, and declare the right. If GRDF does not answer, the account's DAG declares it.

    :raises AlreadySent: if the form was sent before
    :raises FailNow: if nothing is declared: the account is as before, and a person must correct something
    :raises Stop: if the account cannot be connected, or the link not be used
    """
    _Sending(couchdb(), order).send()


class _Sending:
    """One form that is sent."""

    def __init__(self, store: CouchDBHook, order: Order) -> None:
        self._store = store
        self._order = order
        self._account = order.account
        self._links = HouseholdLinks(store)
        self._client = place(order.account).connection
        self._adict = adict(store, self._client)
        self._before: Document | None = None
        self._terms = Terms("link" if order.ticket.link else "connect", longest_wait=PATIENCE)
        self._lists: dict[tuple[str, ...], Rights] = {}

    def send(self) -> None:
        ticket, once = self._order.ticket, Once(self._store)
        if ticket.link:
            check_link_calls(self._adict.oauth)
        if not once.take(ticket.id, ticket.until):
            raise AlreadySent(ticket.name)
        if (sent := self._same()) is not None:
            raise AlreadySent(sent)
        try:
            self._take_link()
        except (GasError, Stop):
            once.release(ticket.id, ticket.until)
            raise
        try:
            record = self._write()
        except (GasError, Stop) as error:
            self._give_back(untried=not _tells_of_others(error))
            once.release(ticket.id, ticket.until)
            raise
        self._declare(record)
        log.info("Account %s: %s connected it by declaring a right.", self._account, self._order.by)

    def _declare(self, record: ConsentRecord) -> None:
        try:
            Declaring(self._store, self._adict, self._account, self._terms).declare()
        except (FailNow, LinkCallsSpent) as error:
            Undoing(self._store, self._order.asked, record).undo(self._before)
            self._give_back(untried=isinstance(error, LinkCallsSpent))
            if (
                isinstance(error, BadAccount)
                and deletions_now(self._store, self._account) != self._order.ticket.deletions
            ):
                raise Stop("direct_deleted", 409) from error
            raise
        except RetryLater as error:
            log.warning("%s The account's DAG declares the right.", error)

    def _same(self) -> str | None:
        """Return the name of the form by which the same was sent from another tab, while it is being declared or waits.

        A household's own form is always recorded: it has ticked the text.
        """
        records = [] if self._order.ticket.link else ConsentRecords(self._store).of(self._account)
        if not records:
            return None
        known, mine = records[-1], self._record(datetime.now(UTC))
        document = self._store.get(ACCOUNT, self._account) or {}
        same = (known.pce, known.entered, known.proof) == (mine.pce, mine.entered, mine.proof)
        current = Connected.moment(document) == known.given and progress(document).step in UNDECIDED
        return known.id.rpartition(":")[2] if same and current else None

    def _take_link(self) -> None:
        if self._order.ticket.link:
            let_pass(self._links.take(self._account, self._order.ticket.link))

    def _give_back(self, *, untried: bool) -> None:
        if self._order.ticket.link:
            self._links.give_back(self._account, self._order.ticket.link, untried=untried)

    def _write(self) -> ConsentRecord:
        """Store the record, then the account with its declaration."""
        order, records, now = self._order, ConsentRecords(self._store), datetime.now(UTC)
        self._check_still_wanted(self._store.get(ACCOUNT, self._account))
        record = self._record(now)

        def change(stored: Document | None) -> Document:
            self._check_still_wanted(stored, but=record.id)
            if stored is not None and connection_of(stored) != self._client:
                raise Stop("changed", 409)
            self._before, whose = stored, self._client
            return declaring(
                stored, self._account, order.asked, at=now, by=order.by, record=record.id, connection=whose
            )

        records.add(record)
        try:
            AccountStore(self._store).save(self._account, change)
        except (GasError, Stop):
            records.remove(record)
            raise
        return record

    def _record(self, at: datetime) -> ConsentRecord:
        order = self._order
        by = HOUSEHOLD if order.ticket.link else order.by
        return new_record(
            self._account, order.asked, at, by=by, agreed=order.agreed, proof=order.proof, name=order.ticket.name
        )

    def _check_still_wanted(self, stored: Document | None, but: str = "") -> None:
        """Raise an error if the account may not be connected any more, or the link was taken back.

        :param but: id of the record that was stored for this form
        """
        check_connectable(stored)
        ticket = self._order.ticket
        if stored is not None and is_of_another(without_old_person(stored, datetime.now(UTC)), self._order.asked):
            log.warning(
                "Account %s: a form of %s was not sent, since another one waits for GRDF's answer, for another holder, "
                "e-mail address or meter.", self._account, self._order.by,
            )  # fmt: skip
            raise Stop(_WAITS if ticket.link else "direct_waits", 409)
        stop_if_another(self._store, self._account, stored, self._order.asked, ask=self._listed, but=but)
        if ticket.link and self._links.standing(self._account, ticket.link) != "used":
            raise Stop("link_void", 410)
        if deletions_now(self._store, self._account) != ticket.deletions:
            raise Stop("direct_deleted", 409)

    def _listed(self, pces: list[str]) -> Rights:
        """Return our rights to some meters. GRDF is asked once, before the account is written, which must not wait."""
        asked = tuple(pces)
        if asked not in self._lists:
            self._lists[asked] = self._adict.listed_rights(pces, account=self._account, terms=self._terms)
        return self._lists[asked]


def _tells_of_others(error: Exception) -> bool:
    """Return whether a refusal says something of another household, so that a link could be used for guessing."""
    return isinstance(error, DeclarationRefused) or (isinstance(error, Stop) and error.key == f"connect.{_WAITS}")
