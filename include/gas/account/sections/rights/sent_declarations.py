"""Declarations that were sent to GRDF and whose right its list has not shown yet, to be found there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.section import Section, put, read_fields
from include.gas.answers.words import fold, fold_address
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document

FORGOTTEN = timedelta(days=60)
"""After how long a declaration is forgotten whose right no list has shown."""
KEPT = 10
"""How many declarations are kept, so that no program that changes the document without end makes it grow."""


class SentDeclarations(Section, frozen=True):
    """A declaration that was sent to GRDF. It stays when somebody rewrites the declaration, until its right is known.

    It holds no person, only hashes that the right's holder in GRDF's list is compared with.

    :param pce: the meter
    :param at: when we began to send it, UTC
    :param email: hash of the meter and the holder's e-mail address
    :param name: hash of the meter and the holder's last name or company
    """

    key: ClassVar[str] = "declarations_sent"
    shape: ClassVar[str] = "a list of objects"
    written_by: ClassVar[str] = "`acquire_token`, before each call; removed once GRDF's list shows the right"

    pce: str
    at: str
    email: str
    name: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> tuple[SentDeclarations, ...]:
        """Return the declarations, oldest first. Entries that cannot be read are left out."""
        found = document.get(cls.key)
        entries = found if isinstance(found, list) else []
        read = (read_fields(cls, entry) for entry in entries if isinstance(entry, Mapping))
        return tuple(each for each in read if each is not None and each.pce)

    def is_for(self, name: str, email: str) -> bool:
        """Return whether it was sent for a right's holder, as GRDF's list names it.

        The e-mail address decides. GRDF may write a name in another way, so it counts only without an address.
        """
        if address := fold_address(email):
            return hashed(self.pce, address) == self.email
        return bool(fold(name)) and hashed(self.pce, fold(name)) == self.name


def hashed(pce: str, folded: str) -> str:
    """Return a hash of what a household gave, as 32 hexadecimal digits.

    :param folded: a name without case and accents, or an e-mail address in lower case
    """
    told = f"{pce}\n{folded}".encode(errors="surrogatepass")  # GRDF's list and documents may hold any JSON
    return sha256(told).hexdigest()[:32]


def with_sent(document: Mapping[str, Any], asked: Declaration, at: datetime) -> Document:
    """Return the account document with a note that a right is being declared.

    :param asked: what is declared
    :param at: the present, aware
    """
    return _noted(document, [*SentDeclarations.of(document), sending(asked, at)])


def sending(asked: Declaration, at: datetime) -> SentDeclarations:
    """Return the note that a right is being declared.

    :param at: when we begin to send it, aware
    """
    name = hashed(asked.pce, fold(asked.name or asked.company))
    return SentDeclarations(asked.pce, utc_text(at), hashed(asked.pce, fold_address(asked.email)), name)


def without_sent(document: Mapping[str, Any], known: Collection[SentDeclarations], at: datetime) -> Document:
    """Return the account document without the declarations whose right is known now, and without very old ones.

    :param at: the present, aware
    """
    oldest = utc_text(at - FORGOTTEN)
    return _noted(document, [each for each in SentDeclarations.of(document) if each not in known and each.at > oldest])


def without_attempt(document: Mapping[str, Any], at: datetime) -> Document:
    """Return the account document without a declaration that GRDF has refused, so that there is no right to be found.

    :param at: when we began to send it, aware
    """
    return _noted(document, [each for each in SentDeclarations.of(document) if each.at != utc_text(at)])


def _noted(document: Mapping[str, Any], sent: Iterable[SentDeclarations]) -> Document:
    return put(document, SentDeclarations.key, [msgspec.to_builtins(each) for each in sent][-KEPT:] or None)
