"""The form with which a household's right is declared: what was typed, and the sealed ticket that makes it one try."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from grdf.page.connect.attempt import MINUTES
from grdf.page.connect.sealing import Sealed
from include.gas.account.declaration_check import USUAL_PERIMETERS, given_by, to_declare, wrong_fields
from include.gas.account.sections.rights.declaration import PERIMETERS, Declaration, is_refused
from include.gas.documents.gas_days import Document

TEXTS = ("pce", "name", "company", "postcode", "email", "phone", "first", "calls_until", "proof")
"""The fields with a text. All but ``proof``, which only operators fill in, have the names of the declaration."""
ALWAYS = PERIMETERS[0]
"""The daily data, without which nothing can be read."""
LONGEST_PROOF = 200


@dataclass(frozen=True)
class Ticket(Sealed):
    """What belongs to one form, for whoever opened it. It is sealed in a hidden field.

    :param id: random id
    :param visitor: id of the Airflow user who opened the form; empty for a household's link
    :param link: id of the household's link; empty for an operator
    """

    PURPOSE = "direct form"
    id: str
    account: str
    visitor: str
    link: str
    until: int

    @classmethod
    def new(cls, account: str, *, visitor: str, link: str) -> Ticket:
        """Return a new ticket. Its parameters are those of the class."""
        until = int(time.time()) + 60 * MINUTES
        return cls(secrets.token_urlsafe(16), account, visitor, link, until)

    @classmethod
    def read(cls, text: str, account: str, *, visitor: str, link: str) -> Ticket | None:
        """Open a hidden field. Return ``None`` if it is over, or is not of this account and this visitor or link."""
        found = cls.opened(text)
        if found is None or found.is_over or (found.account, found.visitor, found.link) != (account, visitor, link):
            return None
        return found

    @property
    def name(self) -> str:
        """A hash of the id, which may be seen: in the id of the record, and in the address that follows the state."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]


class Typed:
    """The form as it was sent.

    :param sent: its fields: the texts of the declaration, ``proof`` and ``perimeters``, and besides
        ``step`` (``check`` for the summary, ``send``, or ``change`` for the form again), the sealed ``ticket``, and
        ``agreed``, which tells which text the household ticked
    """

    def __init__(self, sent: FormData) -> None:
        self.texts = {name: str(sent.get(name, "")).strip() for name in TEXTS}
        self.texts |= {name: re.sub(r"\s", "", self.texts[name]) for name in ("pce", "postcode")}
        self.texts["pce"] = self.texts["pce"].upper()
        chosen = [str(each) for each in sent.getlist("perimeters")]
        self.perimeters = [ALWAYS, *(each for each in chosen if each != ALWAYS)]
        self.step, self.ticket, self.agreed = (str(sent.get(name, "")) for name in ("step", "ticket", "agreed"))

    @classmethod
    def blank(cls) -> Typed:
        """Return the form as it is shown at first."""
        return cls(FormData([("perimeters", name) for name in USUAL_PERIMETERS]))

    @classmethod
    def to_correct(cls, document: Document | None) -> Typed:
        """Return the form with what was sent before and has to be corrected; blank if nothing has.

        :param document: the account document
        """
        if document is None or not is_refused(document):
            return cls.blank()
        sent = given_by(Declaration.of(document) or Declaration())
        chosen = [("perimeters", name) for name in sent.pop("perimeters", USUAL_PERIMETERS)]
        return cls(FormData([*sent.items(), *chosen]))

    def __repr__(self) -> str:
        """Return a text without the person."""
        return f"Typed(step={self.step!r})"

    def hidden(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each hidden field that carries the form."""
        yield from self.texts.items()
        yield from (("perimeters", each) for each in self.perimeters)

    def wrong(self, account: str, *, household: bool) -> list[str]:
        """Return the names of the fields that are wrong.

        :param household: whether a household fills it in, which needs no other proof than its tick
        """
        proof = self.texts["proof"]
        odd = not household and (not proof or len(proof) > LONGEST_PROOF or not proof.isprintable())
        return [*wrong_fields(self._document(account)), *(["proof"] if odd else [])]

    def declaration(self, account: str) -> Declaration:
        """Return what is to be declared. The form must not be wrong."""
        return to_declare(self._document(account))

    def _document(self, account: str) -> Document:
        entered = {name: value for name, value in self.texts.items() if name != "proof"}
        return {"_id": account, Declaration.key: entered | {"perimeters": self.perimeters}}


async def _typed(request: Request) -> Typed:
    return Typed(await request.form())


TypedDep = Annotated[Typed, Depends(_typed)]
