"""The groups of an account, which an operator assigns: apart from GRDF's data, and removed with the household."""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import msgspec

from include.gas.documents.day_documents import ACCOUNT_ID, Document
from include.gas.importing.csv_file import DIMENSIONS, read_lines

LONGEST = 100
"""Characters of a group's name."""
CODES = {"postcode": "[0-9]{5}", "iris": "[0-9][0-9AB][0-9]{7}"}
"""Patterns of groups that have an official code: a spreadsheet drops its first 0, or writes 6,9E+08."""


class Groups(msgspec.Struct, frozen=True):
    """The groups of an account by dimension.

    :param token: a random name in the lists of who was counted in which figure; once this document is gone, it is no
        one's
    :param counted: kWh by month as first counted: a corrected value in a later figure would show by their difference
    """

    account: str
    groups: dict[str, str] = {}
    token: str = msgspec.field(default_factory=lambda: token_hex(8))
    counted: dict[str, int | float] = {}

    @property
    def id(self) -> str:
        """The id of its document, in the account's range."""
        return f"{self.account}:groups"


def groups_of(document: Mapping[str, Any]) -> Groups | None:
    """Return the groups in a stored document; ``None`` if it is none, or damaged."""
    try:
        return msgspec.convert(document, Groups)
    except msgspec.ValidationError:
        return None


def with_groups(document: Document | None, account: str, groups: Mapping[str, str]) -> Document:
    """Return the document of an account with some groups replaced, or removed if empty, and the token that it has."""
    former = groups_of(document or {}) or Groups(account)
    named = former.groups | {name: groups[name][:LONGEST] for name in DIMENSIONS if name in groups}
    new = msgspec.structs.replace(former, groups={name: group for name, group in named.items() if group})
    return {**(document or {"_id": new.id}), **msgspec.to_builtins(new)}


def with_counted(document: Document, loads: Mapping[str, int | float]) -> Document:
    """Return an account's document with what was counted of it by month."""
    return {**document, "counted": {**loads, **document.get("counted", {})}}


def read_group_file(content: bytes) -> tuple[dict[str, dict[str, str]], dict[int, str]]:
    """Return groups by account in a CSV, and what is wrong by line; ``BadRequest`` if it cannot be read."""
    found, wrong, lines = dict[str, dict[str, str]](), dict[int, str](), read_lines(content, "groups")
    named = {name for cells in lines.values() for name in cells} & {*DIMENSIONS}
    for number, cells in lines.items():
        account = cells.get("account", "")
        if not ACCOUNT_ID.fullmatch(account):
            wrong[number] = "its account is not an id"
        elif account in found:
            wrong[number] = "its account is on an earlier line, which counts"
        elif odd := [name for name in CODES if cells.get(name) and not re.fullmatch(CODES[name], cells[name])]:
            wrong[number] = f"its {' and its '.join(odd)} is no code: a postcode has 5 digits, an IRIS 9"
        else:
            found[account] = {name: cells.get(name, "") for name in named}
    return found, wrong
