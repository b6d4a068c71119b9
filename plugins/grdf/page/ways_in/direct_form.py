"""The form with which a household's right is declared, as it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.datastructures import FormData

from include.gas.account.sections.rights.declaration import (
    PERIMETERS,
    USUAL_PERIMETERS,
    Declaration,
    given_by,
    is_refused,
    to_declare,
    wrong_fields,
)
from include.gas.documents.gas_days import Document

TEXTS = ("pce", "name", "company", "postcode", "email", "phone", "first", "calls_until", "proof")
"""The fields with a text. All but ``proof``, which only operators fill in, have the names of the declaration."""
ALWAYS = PERIMETERS[0]
"""The daily data, without which nothing can be read."""
LONGEST_PROOF = 200


class Typed:
    """The form as it was sent.

    :param sent: its fields: the texts of the declaration, ``proof`` and ``perimeters``, and besides
        ``step`` (``check`` for the summary, ``send``, or ``change`` for the form again), and ``agreed``, which tells
        which text the household ticked
    """

    def __init__(self, sent: FormData) -> None:
        self.texts = {name: str(sent.get(name, "")).strip() for name in TEXTS}
        self.texts |= {name: re.sub(r"\s", "", self.texts[name]) for name in ("pce", "postcode")}
        self.texts["pce"] = self.texts["pce"].upper()
        chosen = [str(each) for each in sent.getlist("perimeters")]
        self.perimeters = [ALWAYS, *(each for each in chosen if each != ALWAYS)]
        self.step, self.agreed = (str(sent.get(name, "")) for name in ("step", "agreed"))

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
