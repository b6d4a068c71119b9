"""Faults that two audits have found and that are mended: what each did, a short life in which it shows, and how it was.

`was` puts the old behaviour back, so that a test can see the model find it again. A row without it is not mended yet;
what breaks the truth by its signs is then known, and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.model.leader import Life, Step

if TYPE_CHECKING:
    import pytest

Was = Callable[["pytest.MonkeyPatch"], None]


@dataclass(frozen=True)
class Row:
    """A fault.

    :param number: its row in the issue
    :param signs: what the broken truth says of it
    :param life: in which it shows
    :param was: puts it back
    """

    number: int
    signs: str
    life: Life
    was: Was | None = None


def connect(account: str, *meters: int, back: int = 20, ahead: int = 400, calls: int = 400, more: str = "") -> Step:
    """Give the step by which a household connects on the page."""
    return ("connect", account, list(meters), "page", back, ahead, calls, more)


def _under_any(patch: pytest.MonkeyPatch) -> None:
    """What an answer says of a history was noted under whatever consent the account held by then."""
    patch.setattr("grdf.reading.is_whole_history", lambda _asked, held, _first: held is not None)
    patch.setattr("grdf.reading.is_under", lambda _asked, held: held is not None)


ROWS = (
    Row(
        1,
        r"names a right|does not allow|revokes a right|is called|a right that \w+ gave stands",
        ("2026-04-20", [connect("alder", 0), ("days", 1), ("move", 0, "alder", "birch", "page"), ("days", 2)]),
    ),
    Row(
        4,
        r"lacks|misses",
        (
            "2026-04-20",
            [connect("alder", 0, back=40, ahead=-3, calls=1100), ("days", 1), connect("alder", 0, more="beside")],
        ),
    ),
    Row(
        5,
        r"lacks|misses",
        (
            "2026-04-20",
            [
                connect("alder", 0, back=5),
                ("extract", "alder", "manual"),
                connect("alder", 0, back=60),
                ("load", "alder"),
            ],
        ),
        _under_any,
    ),
    Row(
        6,
        r"has forgotten",
        (
            "2026-04-20",
            [
                connect("alder", 0),
                ("meanwhile", 2, connect("alder", 1)),
                ("extract", "alder", "manual"),
                ("load", "alder"),
            ],
        ),
    ),
    Row(
        7,
        r"lacks|misses",
        ("2026-04-20", [("hole", 0, 30, 4), connect("alder", 0, back=40), ("days", 1)]),
    ),
    Row(
        15,
        r"is called|lacks|misses",
        ("2026-04-20", [connect("alder", 0), ("refuse", 0, 0), ("days", 1)]),
    ),
)


def is_known(untrue: object) -> bool:
    """Tell whether a broken truth shows the signs of a row that is not mended yet.

    :param untrue: what it says
    """
    said: Any = str(untrue).partition("\n")[0]
    return any(row.was is None and re.search(row.signs, said) for row in ROWS)
