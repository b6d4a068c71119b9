"""An account has one household for good: another one gets an account of its own, also with another meter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.grant import RESULTS
from include.gas.account.sections.rights.declaration import Declaration, is_same_holder
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
from include.gas.errors import DeclarationRefused
from include.gas.proof.record_use import was_another_household


def stop_if_another(
    couchdb: CouchDBHook, account: str, document: Mapping[str, Any] | None, asked: Declaration, *, but: str = ""
) -> None:
    """Stop if an account had its rights from another household than the one that is to be declared for it.

    Otherwise the next one would be given all that is stored of the former one, and its days be added to the other's.

    :param document: the account document; ``None`` if there is none
    :param asked: what the household gives
    :param but: id of the record that the account names, or that was stored for this very declaration
    :raises DeclarationRefused: with the reason :data:`DeclarationRefused.ANOTHER`
    """
    if not document or not document.keys() & {RESULTS, SentDeclarations.key}:  # there is no right of anybody
        return
    records = [
        record
        for record in ConsentRecords(couchdb).of(account)
        if record.id != but or not is_same_holder(record.entered, asked)  # else another program has declared since
    ]
    if was_another_household(document, records, asked, datetime.now(UTC)):
        raise DeclarationRefused.about(
            account,
            "another household is or was connected under this account; give this one an account of its own",
            "Nothing was sent to GRDF. If it is the same household under another name and e-mail address, delete the "
            "account first.",
            reason=DeclarationRefused.ANOTHER,
        )
