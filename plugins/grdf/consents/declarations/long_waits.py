"""Declarations that have waited for long: their right is taken if GRDF's list shows it, otherwise their person goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.sections.rights.declaration import REFUSED_KEPT, is_refused, names_person
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.errors import BadAccount, GasError
from include.gas.rights.unanswered import aged, settled, shows_given_up, unanswered_message

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.answers.access_rights import AccessRight, Rights
    from include.gas.documents.gas_days import Document


class LongWaits:
    """Sees every morning to the declarations that scheduled runs do not send any more.

    :param listed: all our rights
    :param log: the task's log
    """

    def __init__(self, couchdb: CouchDBHook, adict: AdictHook, listed: Rights, log: Log) -> None:
        self._couchdb = couchdb
        self._accounts = AccountStore(couchdb)
        self._adict = adict
        self._listed = listed
        self._log = log
        self._rights: dict[str, list[AccessRight]] = defaultdict(list)
        for right in listed.rights:
            self._rights[right.pce].append(right)

    def settle(self, document: Document, now: datetime) -> Document:
        """Note how long an account's declaration has waited. After long take its right, or remove its person.

        What was sent so long ago that it is forgotten is removed, too.

        :return: the account document as it is stored now; the same one if nothing was to be done
        """
        rights = [right for sent in SentDeclarations.of(document) for right in self._rights.get(sent.pce, ())]
        if shows_given_up(document, rights, now):
            document = self._taken(document)
        whole = rights if self._listed.rights and not self._listed.odd else None
        changed = self._changed(document, partial(settled, rights=whole), now)
        if names_person(document) and not names_person(changed):
            self._log.warning("%s", _removed_message(document))
        return changed

    def settle_left(self, document: Document, now: datetime) -> None:
        """Note how long a declaration has waited that a backup has brought back, or remove its person after long.

        Its household has left, so no right is taken for it. Its state stays, since it says what to do.
        """
        changed = self._changed(document, aged, now)
        if names_person(document) and not names_person(changed):
            self._log.warning(
                "Account %s: the name and address were removed that a backup had brought back %d days ago or earlier.",
                document["_id"], REFUSED_KEPT.days,
            )  # fmt: skip

    def _changed(self, document: Document, change: Callable[..., Document], now: datetime) -> Document:
        if change(document, now) is document:
            return document
        return self._accounts.update(document["_id"], partial(change, now=now))

    def _taken(self, document: Document) -> Document:
        """Take the rights that GRDF's list shows of what an account has sent."""
        from grdf.consents.declarations.declaring import Declaring

        account = str(document["_id"])
        try:
            taken = Declaring(self._couchdb, self._adict, account).take_up_shown(self._listed)
        except BadAccount:
            raise
        except GasError as error:  # another morning, or the account says what a person must do
            self._log.warning("Account %s: GRDF has a right of its declaration, which is not taken. %s", account, error)
            return self._accounts.document(account)
        if not taken:
            return document
        self._log.info("Account %s: GRDF has the right that it declared long ago; it is the account's now.", account)
        return self._accounts.document(account)


def _removed_message(document: Document) -> str:
    """Return the message for people that the person was removed from an account.

    :param document: the account document before
    """
    if not is_refused(document):
        return unanswered_message(str(document["_id"]))
    return (
        f"Account {document['_id']}: nobody has corrected its declaration for {REFUSED_KEPT.days} days, so the "
        "household's name and address were removed. If it is still to be connected, enter them again."
    )
