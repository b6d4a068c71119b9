"""Write ``docs/documents.md`` from the classes of the stored documents: ``python -m tests.documents_page``.

With ``--check``, only check whether the page is up to date, as ``./grdf check`` does.
"""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Iterator
from datetime import date
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from include.gas.account import document as account
from include.gas.documents.doctypes import (
    ACCOUNT,
    AUDIT,
    CONNECT,
    CONSENT_RECORD,
    DATABASES,
    DAY,
    LEASE,
    MONTH,
    PUBLISHED,
    YEAR,
    Database,
    index_name,
)
from include.gas.documents.gas_days import database_name
from include.gas.documents.shapes import stored_documents as documents
from include.gas.documents.shapes import stored_gas

PAGE = Path(__file__).parents[1] / "docs" / "documents.md"

KINDS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    ACCOUNT: (account.AccountDocument,),
    DAY: (stored_gas.Day,),
    MONTH: (stored_gas.Total,),
    YEAR: (stored_gas.Total,),
    PUBLISHED: (stored_gas.Published,),
    AUDIT: (documents.DeletionRecord, documents.Approval),
    CONSENT_RECORD: (documents.ConsentRecord,),
    CONNECT: (documents.Mark, documents.HouseholdLink),
    LEASE: (documents.Lease, documents.LastList),
}
"""The kinds of documents in each database."""

INTRODUCTION = """\
# Documents

<!-- Written by `python -m tests.documents_page` from the classes that it names. Do not edit. -->

This is everything that the project stores in CouchDB. Each doctype has a database, named like the doctype with dashes
in place of dots, after the connection's `database_prefix`. A day is written `YYYY-MM-DD`, a moment as UTC text such as
`2026-11-26T05:00:00.000000Z`. A key marked *optional* is absent when there is nothing to say. Keys that are not named
here belong to other programs; they are kept. How to find documents, with examples: [reading.md](reading.md).
"""


def page() -> str:
    """Return the page's text."""
    return "\n".join([INTRODUCTION, *(line for each in DATABASES for line in _database(each))]).rstrip() + "\n"


def main(argv: list[str]) -> int:
    """Write the page, or check it.

    :param argv: ``--check`` to check it
    :return: exit code: 1 if the page is not up to date
    """
    if "--check" not in argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is not what the classes say: run python -m tests.documents_page", file=sys.stderr)
    return 1


def _database(each: Database) -> Iterator[str]:
    yield f"## `{each.doctype}`"
    yield ""
    yield f"Database `{database_name(each.doctype)}`. A document is {each.holds}."
    yield ""
    yield f"* **Written by** {each.written_by}."
    yield f"* **A deletion removes** {each.removed}.{' ' + each.kept if each.kept else ''}"
    if each.indexes:
        names = ", ".join(f"`{index_name(fields)}`" for fields in each.indexes)
        yield f"* **Mango indexes** {names}."
    if each.compares_revisions:
        yield "* **Revisions** are compared by CouchDB also after a purge (`_design/compare-revisions`)."
    yield ""
    told: set[type] = set()
    kinds = KINDS[each.doctype]
    for kind in kinds:
        yield from _kind(kind, 3 if len(kinds) > 1 else 0, told)
    if each.doctype == ACCOUNT:
        yield from _sections(told)


def _sections(told: set[type]) -> Iterator[str]:
    yield "### Sections of the account"
    yield ""
    yield "An entry that cannot be read counts as absent; the entries beside it still count."
    yield ""
    for section in account.SECTIONS:
        about, _ = _docs(section)
        yield f"#### `{section.key}`: {section.shape}"
        yield ""
        yield about
        yield ""
        yield f"**Written by** {section.written_by}."
        yield ""
        if section.entry is not None:
            yield from _kind(section.entry, 0, told)
        elif section.has_table:
            yield from _table(section, told)


def _kind(kind: type[msgspec.Struct], level: int, told: set[type]) -> Iterator[str]:
    if kind in told:
        return
    told.add(kind)
    if level:
        yield f"{'#' * level} {_title(kind)}"
        yield ""
    yield _docs(kind)[0]
    yield ""
    yield from _table(kind, told)


def _table(kind: type[msgspec.Struct], told: set[type]) -> Iterator[str]:
    _, params = _docs(kind)
    fields = msgspec.structs.fields(kind)
    yield "| key | type | meaning |"
    yield "|---|---|---|"
    inner: list[type[msgspec.Struct]] = []
    for field in fields:
        optional = "" if field.required else " *(optional)*"
        yield f"| `{field.encode_name}` | {_type(field.type, inner)}{optional} | {params[field.name]} |"
    yield ""
    for each in inner:
        if each not in told:
            yield f"**{_title(each)}**"
            yield ""
            yield from _kind(each, 0, told)


def _type(hint: Any, inner: list[type[msgspec.Struct]]) -> str:
    """Describe a type in words, and note the classes that need their own table."""
    simple = {str: "text", int: "number", float: "number", bool: "true or false", date: "day", object: "anything"}
    if hint is type(None):
        return "null"
    if hint in simple:
        return simple[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_type(each, inner) for each in arguments))
    if origin is list:
        return f"list of {_type(arguments[0], inner)}"
    if origin is dict:
        return f"object of {_type(arguments[1], inner)}"
    inner.append(hint)
    return f"*{_title(hint)}*"


def _title(kind: type) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f" {found[0].lower()}", kind.__name__).replace("O auth", "OAuth")


def _docs(kind: type) -> tuple[str, dict[str, str]]:
    """Return what a class's docstring says about the class and about each field."""
    about, *params = re.split(r"^:param (?=\w+:)", cleandoc(kind.__doc__ or "").replace("``", "`"), flags=re.MULTILINE)
    told = {name: " ".join(text.split()) for name, _, text in (each.partition(":") for each in params)}
    return re.sub(r":class:`[\w.]+\.(\w+)`", r"`\1`", about.strip()), told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
