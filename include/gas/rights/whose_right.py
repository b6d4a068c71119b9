"""Whose a right is that GRDF's list shows late: by then nobody is named on the account any more, only hashes are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from include.gas.account.sections.rights.sent_declarations import SentDeclarations, hashed
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.words import fold_address
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.rights.declared_right import names_fit, was_made_by


def is_of_household(
    right: AccessRight, sent: Iterable[SentDeclarations], records: Iterable[ConsentRecord], today: date
) -> bool:
    """Return whether a right may be of the household for which an account has sent a declaration.

    One e-mail address may be that of an agency, and so of several households. So where GRDF names the holder, the name
    must fit, too: what was sent, or, if GRDF writes it in another way, what a record of the same address has.

    :param right: the right, as GRDF lists it
    :param sent: what the account has sent
    :param records: the account's records of consent
    :param today: civil date in Paris
    """
    name = right.holder[0]
    behind = [each for each in sent if was_made_by(right, each, today)]
    if any(not name or each.is_named(name) for each in behind):
        return True
    proved = [(record, each) for record in records for each in behind if _is_behind(record, each)]
    if not proved:
        return any(not each.name for each in behind)
    return any(names_fit(name, record.entered) for record, _ in proved)


def _is_behind(record: ConsentRecord, sent: SentDeclarations) -> bool:
    return record.pce == sent.pce and hashed(sent.pce, fold_address(record.entered.email)) == sent.email
