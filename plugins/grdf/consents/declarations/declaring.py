"""Declaring a household's right at GRDF ("tiers direct"), once: GRDF never gets a second one for the same household.

The account says what the household gave (``declaration``). GRDF may have taken a right although its answer was lost, so
each try after the first one looks at GRDF's list before it declares. As soon as GRDF has the right, the person is
removed from the account, and the right is its consent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from grdf.consents.declarations.found_late import own_of
from grdf.consents.declarations.left_behind import LeftBehind
from grdf.consents.lists.consent_dates import other_holders
from grdf.consents.owners.former_household import another, stop_if_another
from grdf.consents.owners.taking import take
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.quota.terms import DAILY, Terms
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.declaration_check import to_declare
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.rights.declaration import (
    Declaration,
    is_same,
    names_person,
    with_refused,
    without_refusal,
)
from include.gas.account.sections.rights.sent_declarations import SentDeclarations, sending, with_sent, without_attempt
from include.gas.account.state import with_state
from include.gas.answers.access_rights import WAITING, AccessRight, Rights, is_pce
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import (
    DeclarationRefused,
    FailNow,
    GasError,
    MeterTaken,
    QuotaWait,
    RefusalUnexplained,
    RetryLater,
    RightExists,
    ServiceUnavailable,
    StoreBusy,
)
from include.gas.leaving.deletion_record import left_before, left_error
from include.gas.meter_tag import meter_tag
from include.gas.rights.declared_right import (
    Declared,
    Known,
    declared,
    declared_in,
    is_for_another,
    may_be_of,
    request_of,
    taken_up,
)

log = logging.getLogger(__name__)


class Declaring:
    """Declares the right of one account."""

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, account_id: str, terms: Terms = DAILY) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._adict = adict
        self._account = account_id
        self._terms = terms
        self._sent: SentDeclarations | None = None
        self._grounds: set[SentDeclarations] = set()
        self._asked: Declaration | None = None
        self._taken_by_grdf: list[Declared] = []
        self._compared: tuple[Document, Sequence[AccessRight]] = ({"_id": account_id}, ())

    def declare(self) -> Declared:
        """Make sure that GRDF has the right, and write it to the account. If a person must act, the account says so.

        :return: the right
        :raises MeterTaken: if another account has the meter or the right
        :raises AccountLeaving: if the household is leaving
        :raises DeclarationRefused: if the declaration is incomplete, if GRDF refuses it, if GRDF has a right that this
            account has not declared, or if another household was connected under the account
        :raises LeftBefore: if its household has left, and a restored backup has brought the account back
        :raises RetryLater: if GRDF or CouchDB does not answer; the next try finds the right if GRDF has taken it
        :raises BadAccount: if the account was deleted while GRDF was asked; the right has an account again then
        """
        try:
            right = self._taken_up()
        except GasError as error:
            if self._sent is not None:
                left = LeftBehind(self._couchdb)
                client = self._adict.grdf_conn_id
                left.stop_if_gone(self._account, self._sent, self._taken_by_grdf, cause=error, client=client)
            if isinstance(error, FailNow):
                self._mark(error)
            raise
        tag = meter_tag(self._account, right.pce)
        if right.waits:
            log.info(
                "Account %s: the right to read meter %s is declared. GRDF mails the holder of the contract.",
                self._account, tag,
            )  # fmt: skip
        else:
            log.info("Account %s: the right to read meter %s is declared and in force.", self._account, tag)
        return right

    def take_up_known(self) -> list[Declared]:
        """Write the rights to the account that GRDF has of what was sent, without declaring one.

        This is for a household that leaves, or whose declaration was removed by hand.

        :return: the rights; none if GRDF has none
        :raises DeclarationRefused: if they are of several households, and the account is not leaving
        """
        now = datetime.now(UTC)
        known = self._dated(reversed(self._own_of(self._listed(None))))
        for right in known:
            self._accounts.update(self._account, partial(self._with_right, right=right, now=now))
        return known

    def take_up_shown(self, listed: Rights) -> list[Declared]:
        """Write the rights to the account that a list shows of what was sent. Nothing is declared.

        This is for a declaration that runs do not ask for any more. If a person must act, the account says so.

        :param listed: all our rights
        :return: the rights; none if the list shows none that this account may have
        :raises FailNow: for the reasons for which a run of the account would not take them
        :raises RetryLater: if CouchDB does not answer, or GRDF, which is asked if another account has the meter
        """
        document = self._accounts.document(self._account)
        self._asked = Declaration.of(document)
        try:
            stop_if_leaving(Account.from_document(document))
            self._stop_if_left(document)
            if self._asked is not None and names_person(document):
                self._stop_if_another(document, self._asked)
                found = self._fitting(self._asked, listed)
            else:
                found = self._listed(None, listed)
            known = self._dated(self._own_of(found))
            for right in reversed(known):
                self._take(right.pce, partial(self._write, right), right.id)
        except FailNow as error:
            self._mark(error)
            raise
        return known

    def _taken_up(self) -> Declared:
        document = self._accounts.document(self._account)
        self._stop_if_other_client(document)
        self._asked = Declaration.of(document)
        if leaving(document) is None:
            self._stop_if_left(document)
        if not names_person(document) and (known := self.take_up_known() or self._declared_before(document)):
            return known[-1]
        asked = to_declare(document)
        self._stop_if_another(document, asked)
        rights = self._known(asked) if SentDeclarations.of(document) else []
        if not any(right.pce == asked.pce for right in rights):
            rights = [*self._declared(asked), *rights]
        self._taken_by_grdf = rights if self._sent else []
        for right in reversed(rights):  # the best one last, so that it is the account's newest
            self._take(right.pce, partial(self._write, right), right.id)
        return rights[0]

    @staticmethod
    def _declared_before(document: Document) -> list[Declared]:
        """Return the rights that another run has declared and written in the meantime."""
        asked, account = Declaration.of(document), Account.from_document(document)
        return [
            Declared(meter.id_accreditation, meter.pce, waits=meter.unusable == WAITING)
            for meter in account.meters
            if asked and asked.declared and meter.pce == asked.pce and meter.id_accreditation
        ]

    def _mark(self, error: FailNow) -> None:
        state, now = error.state, datetime.now(UTC)
        if state is None:  # the household and the operator can do nothing about it here
            return

        def change(document: Document) -> Document:
            if not (names_person(document) or SentDeclarations.of(document)):  # another run has declared it meanwhile
                return document
            if not is_same(Declaration.of(document), self._asked):  # it says nothing about what is to be declared now
                return document
            some = any(not meter.lost for meter in Account.from_document(document).meters)
            refused = with_refused(document, str(error), now)
            return with_state(refused, state, str(error), since=now, partial=some)

        self._accounts.update(self._account, change)

    def _declared(self, asked: Declaration) -> list[Declared]:
        """Declare the right, and return it; what GRDF has already if this account has declared it."""
        began = datetime.now(UTC)
        request = request_of(asked, paris_today(began))

        def sent(document: Document) -> Document:
            stop_if_leaving(Account.from_document(document))
            self._stop_if_other_client(document)
            self._stop_if_left(document)
            if not names_person(document) or request_of(to_declare(document), paris_today(began)) != request:
                raise StoreBusy.about(self._account, "its declaration was changed at this very moment")
            return with_sent(without_refusal(document), asked, began)

        # Under the lease that all connections take: of two accounts with one meter, the second sees the first.
        self._take(asked.pce, lambda: self._accounts.update(self._account, sent))
        self._sent = sending(asked, began)
        self._grounds.add(self._sent)
        try:
            right = self._adict.declare(asked.pce, request, account=self._account, terms=self._terms)
        except RightExists as error:
            # It existed before this attempt, so only earlier ones can have made it. Otherwise whoever knows somebody's
            # meter and e-mail address would get the right that somebody has given a moment ago.
            self._forget_attempt(began)
            if known := self._of_its_meter(asked):
                return known
            raise self._of_others(asked, error) from None
        except QuotaWait:  # GRDF was not asked
            self._forget_attempt(began)
            raise
        except RefusalUnexplained:
            raise
        except FailNow:
            self._forget_attempt(began)
            raise
        known = [right] if right.id else self._of_its_meter(asked)
        if not known:
            raise ServiceUnavailable.about(
                self._account, "the right is declared, but GRDF's list does not show it yet, so its id is not known"
            )
        return known

    def _stop_if_left(self, document: Document) -> None:
        """Raise an error if a backup has brought back who has left: GRDF must get no right in that name."""
        if left := left_before(document, self._couchdb.range(AUDIT, *account_range(self._account))):
            raise left_error(self._account, left)

    def _stop_if_other_client(self, document: Document) -> None:
        """Raise an error if the account was made again for another client meanwhile: this one has no right of it."""
        if self._adict.of(document) is not self._adict:
            raise StoreBusy.about(self._account, "it was made again for another client while GRDF was to be asked")

    def _stop_if_another(self, document: Document, asked: Declaration) -> None:
        record = Connected.record_of(document)
        stop_if_another(self._couchdb, self._account, document, asked, ask=self._ask, but=record)

    def _forget_attempt(self, began: datetime) -> None:
        """Keep nothing of the person for finding a right that GRDF has not made."""
        self._grounds -= {self._sent}
        self._sent = None
        self._accounts.update(self._account, lambda document: without_attempt(document, began))

    def _write(self, right: Declared) -> Document:
        holder = self._holders([right.pce]).get(right.id)
        if holder is not None:  # it was written while GRDF answered us
            raise self._taken(right.pce, holder)
        now = datetime.now(UTC)
        return self._accounts.update(self._account, partial(self._with_right, right=right, now=now))

    def _with_right(self, document: Document, *, right: Declared, now: datetime) -> Document:
        """Return the account's document with a right of its own.

        While GRDF was asked, the account may have been deleted, and its id been given to another household. So the
        document must still name what was sent, or have the right already.
        """
        own = {each for meter in Account.from_document(document).meters for each in meter.own}
        grounds = {each for each in SentDeclarations.of(document) if each.pce == right.pce} & self._grounds
        if right.id not in own and not grounds:
            raise StoreBusy.about(self._account, "it was made again while GRDF was asked for its right")
        return taken_up(document, right, now)

    def _take(self, pce: str, write: Callable[[], Document], right: str | None = None) -> None:
        take(self._couchdb, self._account, [Consent(pce, right)], write, ask=self._ask, adict=self._adict)

    def _ask(self, pces: list[str]) -> Rights:
        return self._adict.listed_rights(pces, account=self._account, terms=self._terms)

    def _holders(self, pces: Iterable[str]) -> dict[str, str]:
        return other_holders(self._accounts, self._account, pces, also_leaving=True)

    def _known(self, asked: Declaration) -> list[Declared]:
        return self._dated(self._fitting(asked))

    def _dated(self, found: Iterable[AccessRight]) -> list[Declared]:
        """Return rights in GRDF's list with the moment at which it took each, as far as that is known."""
        return [declared(right, self._grounds) for right in found]

    def _own_of(self, found: Sequence[AccessRight]) -> list[AccessRight]:
        """Return the rights without those that are not its household's for all we know."""
        document, listed = self._compared  # by now the id may be another household's, which is found when it is written
        own = own_of(self._couchdb, document, found, listed)
        held = self._holders({right.pce for right in own})  # others note what they send until they have the right
        return [right for right in own if right.id not in held]

    def _fitting(self, asked: Declaration, listed: Rights | None = None) -> list[AccessRight]:
        """Return the rights that this account has declared before, the best one first.

        :param listed: as for :meth:`_listed`
        :raises DeclarationRefused: if one was for another person or e-mail address
        """
        found = self._listed(asked, listed)
        if any(is_for_another(right, asked) for right in found if right.pce == asked.pce):
            raise DeclarationRefused.about(
                self._account,
                f"GRDF has the right to read meter {meter_tag(self._account, asked.pce)} already, and it was declared "
                "for another name or e-mail address",
                "Nothing was sent. If the household is another one, give it an account of its own. If the address was "
                "wrong, delete this account, which ends the right at GRDF, and connect the household again.",
            )
        if not all(may_be_of(right, asked) for right in found):  # its answer was lost; it is taken up in the morning
            raise another(self._account)
        return found

    def _of_its_meter(self, asked: Declaration) -> list[Declared]:
        return [right for right in self._known(asked) if right.pce == asked.pce]

    def _listed(self, asked: Declaration | None, listed: Rights | None = None) -> list[AccessRight]:
        """Return the rights that GRDF has of what this account has declared, the best one first.

        :param asked: what is to be declared now; ``None`` if nothing is
        :param listed: our rights to all these meters; ``None`` to ask GRDF
        """
        document = self._accounts.document(self._account)
        sent, account = SentDeclarations.of(document), Account.from_document(document)
        self._grounds |= {*sent}
        pces = sorted({each for each in ([asked.pce] if asked else []) + [one.pce for one in sent] if is_pce(each)})
        if not pces:
            return []
        listed = listed or self._ask(pces)
        self._compared = document, listed.rights
        own = {right for meter in account.meters for right in meter.own}
        known = Known(sent, own, self._holders(pces))
        found = [
            right
            for right in declared_in(listed.rights, known, paris_today(datetime.now(UTC)))
            if right.id not in own or (asked and right.pce == asked.pce)
        ]
        if not found and listed.odd:
            raise ServiceUnavailable.about(
                self._account,
                f"{listed.odd} line(s) of GRDF's list could not be read, and one may be the right that was declared",
            )
        return found

    def _of_others(self, asked: Declaration, error: RightExists) -> DeclarationRefused | MeterTaken | RetryLater:
        if held := other_holders(self._accounts, self._account, [asked.pce]):
            return self._taken(asked.pce, next(iter(held.values())))
        if self._holders([asked.pce]):
            return ServiceUnavailable.about(
                self._account, "another account with its meter is being deleted, and has its right revoked first"
            )
        return DeclarationRefused.about(
            self._account,
            f"{error.cause}, and this account has not declared it",
            "Nothing was declared. If it is known to be this household's, start grdf_consents with this account, which "
            "gives it the right once it is in force. If it may be somebody's who has moved out, ask GRDF to revoke it, "
            "then start a run of this account's DAG.",
            reason=DeclarationRefused.EXISTS,
        )

    def _taken(self, pce: str, holder: str) -> MeterTaken:
        return MeterTaken.about(
            self._account,
            f"we already have a right to read meter {meter_tag(self._account, pce)}, and it is another account's",
            "Nobody who may see only this account sees that one; whoever may finds it in Gas accounts by the meter's "
            "number. If its household has left, delete that account, then start a run of this one.",
            holder=holder,
        )
