"""Declarations that were sent to GRDF and whose right its list has not shown yet, to be found there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.section import Section, put, read_fields
from include.gas.answers.words import fold, fold_address
from include.gas.days.gas_day import PARIS, utc_text
from include.gas.documents.gas_days import Document

FORGOTTEN = timedelta(days=60)
"""After how long a declaration is forgotten whose right no list has shown."""
KEPT = 10
"""How many declarations are kept, so that no program that changes the document without end makes it grow."""

_WORD = re.compile(r"\w+")
_MOST_WORDS = 12
"""How many words a name may have for its parts to be compared: GRDF's list may hold any text."""


class SentDeclarations(Section, frozen=True):
    """A declaration that was sent to GRDF. It stays when somebody rewrites the declaration, until its right is known.

    It holds no person, only hashes that the right's holder in GRDF's list is compared with.

    :param at: when we began to send it, UTC
    :param email: hash of the meter and the holder's e-mail address
    :param name: hash of the meter and the holder's last name or company
    """

    key: ClassVar[str] = "declarations_sent"

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

    def is_named(self, name: str) -> bool:
        """Return whether it was sent under a name, as GRDF's list writes it.

        GRDF may add first names and leave out hyphens, so it is enough if some words of it are the name that was sent.
        """
        told = fold(name)
        words, parts = told.split(), _WORD.findall(told)
        written = {told, *_runs(words, " "), *_runs(parts, " "), *_runs(parts, "-")} - {""}
        return any(hashed(self.pce, each) == self.name for each in written)

    def is_forgotten(self, today: date) -> bool:
        """Return whether it was sent longer than :data:`FORGOTTEN` ago, or at no moment that can be read."""
        sent_on = self.sent_on
        return sent_on is None or sent_on < today - FORGOTTEN

    @property
    def sent_on(self) -> date | None:
        """The civil day in Paris on which it was sent; ``None`` if that cannot be read."""
        try:
            return datetime.fromisoformat(self.at).astimezone(PARIS).date()
        except (ValueError, OverflowError):
            return None


def _runs(words: list[str], between: str) -> set[str]:
    """Return all that stands together in a name, as it may have been sent."""
    if len(words) > _MOST_WORDS:
        return set()
    spans = ((at, end) for at in range(len(words)) for end in range(at + 1, len(words) + 1))
    return {between.join(words[at:end]) for at, end in spans}


def hashed(pce: str, folded: str) -> str:
    """Return a hash of what a household gave, as 32 hexadecimal digits.

    :param folded: a name without case and accents, or an e-mail address in lower case
    """
    told = f"{pce}\n{folded}".encode(errors="surrogatepass")  # GRDF's list and documents may hold any JSON
    return sha256(told).hexdigest()[:32]


def with_sent(document: Mapping[str, Any], asked: Declaration, at: datetime) -> Document:
    """Return the account document with a note that a right is being declared.

    :param asked: what is declared
    """
    return _noted(document, [*SentDeclarations.of(document), sending(asked, at)])


def sending(asked: Declaration, at: datetime) -> SentDeclarations:
    """Return the note that a right is being declared.

    :param at: when we begin to send it, aware
    """
    name = hashed(asked.pce, fold(asked.name or asked.company))
    return SentDeclarations(asked.pce, utc_text(at), hashed(asked.pce, fold_address(asked.email)), name)


def without_sent(document: Mapping[str, Any], known: Collection[SentDeclarations], at: datetime) -> Document:
    """Return the account document without the declarations whose right is known now, and without very old ones."""
    oldest = utc_text(at - FORGOTTEN)
    return _noted(document, [each for each in SentDeclarations.of(document) if each not in known and each.at > oldest])


def without_forgotten(document: Document, kept: Collection[SentDeclarations], today: date) -> Document:
    """Return the account document without very old declarations.

    :param kept: those that stay, whatever their age
    """
    sent = SentDeclarations.of(document)
    left = [each for each in sent if each in kept or not each.is_forgotten(today)]
    return document if len(left) == len(sent) else _noted(document, left)


def without_attempt(document: Mapping[str, Any], at: datetime) -> Document:
    """Return the account document without a declaration that GRDF has refused, so that there is no right to be found.

    :param at: when we began to send it, aware
    """
    return _noted(document, [each for each in SentDeclarations.of(document) if each.at != utc_text(at)])


def _noted(document: Mapping[str, Any], sent: Iterable[SentDeclarations]) -> Document:
    return put(document, SentDeclarations.key, [msgspec.to_builtins(each) for each in sent][-KEPT:] or None)
