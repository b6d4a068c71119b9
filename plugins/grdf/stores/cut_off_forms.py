"""Forms of households that were cut off before they had stored their account, because the API server was killed.

Such a form was not sent to GRDF. The household may send it again: its link becomes valid, and the record of the consent
goes that the form may have stored, since no right will ever rest on it.
"""

from __future__ import annotations

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.removal import Remover
from include.gas.account.sections.marks import Connected
from include.gas.documents.doctypes import ACCOUNT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.proof.consent_record import read_record


class CutOffForms:
    """Finds out what came of forms, and gives their links back.

    :param couchdb: the hook for the CouchDB that holds accounts, records and links
    """

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def give_back(self, account: str, link: str) -> bool:
        """Make a used link valid again if its form was cut off before it stored the account. Return whether it was.

        :param account: the account's id
        :param link: identifies the link
        :raises StoreBusy: if other writers kept changing the document of the link
        """
        forms: list[str] = []

        def came_of(form: str) -> bool:
            forms.append(form)
            return self._is_in_use(account, form)

        if not HouseholdLinks(self._couchdb).revive(account, link, came_of):
            return False
        for record in self._records(account, forms[0]):
            Remover(self._couchdb).remove(CONSENT_RECORD, str(record["_id"]))
        return True

    def _is_in_use(self, account: str, form: str) -> bool:
        """Return whether the account was, or may have been, stored by a form.

        Its record may be lost or unreadable, and a later form may have stored the account since.
        """
        document = self._couchdb.get(ACCOUNT, account)
        if document is None:
            return False
        if Connected.record_of(document).endswith(f":{form}"):
            return True
        connected = Connected.moment(document)
        records = [read_record(each) for each in self._records(account, form)]
        return any(record is None or not isinstance(connected, str) or record.given <= connected for record in records)

    def _records(self, account: str, form: str) -> list[Document]:
        """Return the documents of the records that a form has stored: at most one."""
        found = self._couchdb.range(CONSENT_RECORD, *account_range(account))
        return [each for each in found if str(each["_id"]).endswith(f":{form}")]
