"""The lake's tables, and their rows from CouchDB's changes. Nothing that is not named here gets into a file."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from include.gas.answers.fields import Quality, Status
from include.gas.documents.billing.period_totals import SOURCE
from include.gas.documents.day_checks import WORDS
from include.gas.documents.day_documents import day_if_own, has_load, is_day, is_number
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.totals import QUALITIES

Kind = Literal["string", "number", "integer", "date", "datetime"]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with its meaning in English and French.

    :param kind: a type of Frictionless Data's Table Schema
    :param words: all that a string may say: other programs may write anything into a document
    """

    name: str
    kind: Kind
    unit: str
    en: str
    fr: str
    words: tuple[str, ...] = ()

    def value(self, document: Mapping[str, Any]) -> Any:
        """Return a document's value; ``None`` for one that cannot be meant."""
        value = document.get(self.name)
        if self.kind == "number" and is_number(value):
            return float(value)
        if self.kind == "integer" and is_number(value) and isinstance(value, int):
            return value
        if self.kind == "string":
            said = value if isinstance(value, list) else [value]
            return ",".join(word for word in self.words if word in said) or None
        if self.kind == "datetime" and isinstance(value, str):
            with suppress(ValueError, OverflowError):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else None
        return None


@dataclass(frozen=True, slots=True)
class Table:
    """A table: one row for each document of a doctype, known by :data:`KEY`."""

    name: str
    doctype: str
    en: str
    fr: str
    values: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order: the key, the load, others."""
        return (*_KEY_COLUMNS, _LOAD, *self.values)


_KEY_COLUMNS = (
    Column("account", "string", "", "a household's connection, by its pseudonym",
           "le raccordement d'un foyer, par son pseudonyme"),
    Column("meter", "string", "", "its meter, by its pseudonym; the next household's at the same meter is another",
           "son compteur, par son pseudonyme ; celui du foyer suivant au même compteur est un autre"),
    Column("first", "date", "", "the gas day, or the first one of the month or year",
           "la journée gazière, ou la première du mois ou de l'année"),
)  # fmt: skip
KEY = tuple(column.name for column in _KEY_COLUMNS)
ACCOUNT, METER, FIRST = KEY

_LOAD = Column("load", "number", "kWh", "energy; a measured 0 is 0, a missing day has no row",
               "énergie ; un 0 mesuré est 0, une journée manquante n'a pas de ligne")  # fmt: skip
LOAD = _LOAD.name
_VOLUME = Column("volume", "number", "m³", "volume, where GRDF says it", "volume, quand GRDF le donne")
_PRICE = Column(
    "price", "number", "€", "what it costs, where prices are kept", "ce que cela coûte, si un prix est tenu"
)
_DAY_VALUES = (
    _VOLUME,
    _PRICE,
    Column("status", "string", "", "whether GRDF may still change it", "si GRDF peut encore la modifier",
           get_args(Status)),
    Column("quality", "string", "", "how GRDF got it", "comment GRDF l'a obtenue", get_args(Quality)),
    Column("doubts", "string", "", "why the load is doubtful, separated by commas",
           "pourquoi la valeur est douteuse, séparés par des virgules", WORDS),
    Column("read_at", "datetime", "UTC", "when GRDF was asked", "quand GRDF a été interrogé"),
)  # fmt: skip
_TOTAL_VALUES = (
    _VOLUME,
    _PRICE,
    Column("days", "integer", "", "stored days that are summed", "nombre de journées additionnées"),
    *(
        Column(f"{quality}_days", "integer", "", f"of these, {quality}", f"dont : {french}")
        for quality, french in zip(QUALITIES, ("mesurées", "estimées", "corrigées"), strict=True)
    ),
    Column("source", "string", "", "published: from GRDF's billing periods, not from days",
           "published : d'après les périodes facturées par GRDF, et non des journées", (SOURCE,)),
)  # fmt: skip

TABLES = (
    Table("days", DAY, "one row for each household, meter and gas day",
          "une ligne par foyer, compteur et journée gazière", _DAY_VALUES),
    Table("months", MONTH, "the sums of the days, by month", "les sommes des journées, par mois", _TOTAL_VALUES),
    Table("years", YEAR, "the sums of the days, by year", "les sommes des journées, par année", _TOTAL_VALUES),
)  # fmt: skip


class Pseudonyms(dict[str, str]):
    """Pseudonyms by what they stand for, by HMAC-SHA-256: without its secret nobody can make one and compare."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret.encode()

    def __missing__(self, name: str) -> str:
        made = hmac.digest(self._secret, name.encode(errors="surrogatepass"), "sha256").hex()[:32]
        self[name] = made
        return made


def row_of_change(table: Table, change: Mapping[str, Any], pseudonyms: Pseudonyms) -> Row | None:
    """Return the row for one of CouchDB's changes; without a load if there is no such day or total any more.

    ``None`` for what is no document of ours.
    """
    names = str(change["id"]).split(":")
    first = day_if_own({"_id": change["id"]}, table.doctype)
    if first is None or len(names) != 3:
        return None
    account, pce, _ = names
    key = (pseudonyms[account], pseudonyms[f"{account}:{pce}"], first)
    document = change.get("doc") or {}
    if change.get("deleted") or not (is_day(document) if table.doctype == DAY else has_load(document)):
        return (*key, None, *(None for _ in table.values))
    return (*key, float(document[LOAD]), *(column.value(document) for column in table.values))
