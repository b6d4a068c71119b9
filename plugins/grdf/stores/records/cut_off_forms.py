"""Forms of households that were cut off before they stored their account, because the API server was killed.

Such a form was not sent to GRDF. The household may send it again: its link becomes valid, and the record of the consent
goes that the form may have stored, since no right will ever rest on it.
"""

from __future__ import annotations

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import account_range


def give_link_back(couchdb: CouchDBHook, account: str, link: str) -> bool:
    """Make a used link valid again if its form was cut off before it stored the account. Return whether it was.

    :raises StoreBusy: if other writers kept changing the document of the link
    """
    if not (form := HouseholdLinks(couchdb).revive(account, link)):
        return False
    for record in couchdb.range(CONSENT_RECORD, *account_range(account)):
        if is_record_of(str(record["_id"]), form):
            Remover(couchdb).remove(CONSENT_RECORD, str(record["_id"]))
    return True


def is_record_of(record: str, form: str) -> bool:
    """Return whether a record was stored by a form.

    :param record: the record's id
    :param form: the form's name, which is not empty
    """
    return record.endswith(f":{form}")
