"""Whose a right is that GRDF's list shows late: by then nobody is named on the account any more, only hashes are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import combinations

from include.gas.account.sections.rights.sent_declarations import SentDeclarations, hashed
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.words import fold_address
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.rights.declared_right import name_of, names_fit, was_made_by


def is_of_household(
    right: AccessRight, sent: Iterable[SentDeclarations], records: Iterable[ConsentRecord], today: date
) -> bool:
    """Return whether a right may be of the household for which an account has sent a declaration.

    One e-mail address may be that of an agency, and so of several households. So where GRDF names the holder, the name
    must fit, too: what was sent, or, if GRDF writes it in another way, what a record of the same address has.

    :param sent: what the account has sent
    :param records: the account's records of consent
    """
    name = right.holder[0]
    behind = [each for each in sent if was_made_by(right, each, today)]
    if any(not name or each.is_named(name) for each in behind):
        return True
    proved = [(record, each) for record in records for each in behind if _is_behind(record, each)]
    if not proved:
        return any(not each.name for each in behind)
    return any(names_fit(name, name_of(record.entered)) for record, _ in proved)


def are_of_one(rights: Sequence[AccessRight], sent: Sequence[SentDeclarations]) -> bool:
    """Return whether all rights may be of one household.

    As in :func:`is_of_household`, the name says it. An address alone does where GRDF names nobody, and nothing that was
    sent says who it is.

    :param rights: rights that an account has, or has declared, to any meters
    :param sent: what the account has sent
    """
    return all(_are_of_one(*pair, sent) for pair in combinations(rights, 2))


def _are_of_one(one: AccessRight, other: AccessRight, sent: Sequence[SentDeclarations]) -> bool:
    (name, address, _), (named, addressed, _) = one.holder, other.holder
    if name and named:
        return names_fit(name, named)
    known, unnamed = name or named, other if name else one
    noted = [each for each in sent if each.name and was_made_by(unnamed, each)]
    if known and noted:
        return any(each.is_named(known) for each in noted)
    return bool(address) and address == addressed


def _is_behind(record: ConsentRecord, sent: SentDeclarations) -> bool:
    return record.pce == sent.pce and hashed(sent.pce, fold_address(record.entered.email)) == sent.email
