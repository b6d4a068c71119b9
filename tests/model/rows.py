"""Faults that were found and mended, each with a short life in which it showed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tests.model.leader import Life, Step

if TYPE_CHECKING:
    import pytest

Was = Callable[["pytest.MonkeyPatch"], None]


def connect(account: str, *meters: int, back: int = 20, ahead: int = 400, calls: int = 400, more: str = "") -> Step:
    return ("connect", account, list(meters), "page", back, ahead, calls, more)


def _by_meter(patch: pytest.MonkeyPatch) -> None:
    """An account took over any right on its meter."""
    from include.gas.rights.meter_rights import Meter

    patch.setattr(Meter, "rights_of", lambda meter, account: meter.rights if account else ())


def _newest(patch: pytest.MonkeyPatch) -> None:
    """Only the newest right counted, and with it the days of an older one were lost."""
    from include.gas.rights import meter_rights

    every = meter_rights.allowed_days

    def days_of(meter: Any, account: str, **options: Any) -> Any:
        mine = [right for right in meter.rights_of(account) if right.was_active]
        newest = max(mine, key=lambda right: right.since, default=None)
        kept = tuple(right for right in meter.rights if right.account != account or right is newest)
        return every(msgspec.structs.replace(meter, rights=kept), account, **options)

    patch.setattr(meter_rights, "allowed_days", days_of)


def _once(patch: pytest.MonkeyPatch) -> None:
    """Everything was asked for on the first run alone."""
    from grdf.operators import extract

    patch.setattr(extract, "is_full_read_due", lambda _account, last, _today: last is None)


ROWS: dict[str, tuple[str, Life, Was]] = {
    "any right on its meter": (
        r"not its own|is called|keeps|lacks|does not say",
        ("2026-04-20", [connect("alder", 0), ("days", 1), ("move", 0, "alder", "birch", "page"), ("days", 2)]),
        _by_meter,
    ),
    "the newest right alone": (
        r"not its own|lacks|has lost",
        ("2026-04-20", [
            connect("alder", 0, back=5), connect("alder", 0, back=40, ahead=-3, more="beside"), ("days", 1),
        ]),
        _newest,
    ),
    "everything is asked for once": (
        r"lacks",
        ("2026-04-20", [("hole", 0, 30, 4), connect("alder", 0, back=40), ("days", 1)]),
        _once,
    ),
}  # fmt: skip
"""Faults that were mended: what is untrue then, a life in which they show, and what brings them back."""


FOUND: dict[str, Life] = {
    "an id_token that was too old kept an account's other meters from being read": ("2026-04-20", [
        connect("alder", 0, 1), ("days", 1), ("revoke", 0, "alder", "TITULAIRE"), ("days", 1),
        ("between", "alder", ("connect", "alder", [0], "cozy", 20, 400, 400, "")),
    ]),
    "who came back behind another account lacked its own last days of before": ("2026-03-27", [
        ("move", 1, "alder", "birch", "code"), ("move", 1, "birch", "cedar", "code"),
        ("move", 1, "alder", "birch", "code"),
    ]),
    "a right without daily data kept the last days of another one from being read": ("2026-01-03", [
        ("connect", "birch", [0], "page", 60, 400, 1100, "narrow"),
        ("connect", "birch", [0], "code", 60, 5, 400, "beside"),
    ]),
    "an account took the days of one with a right written before, as it had asked before": ("2026-01-03", [
        ("during", "birch", 20, ("connect", "birch", [0, 3], "code", 60, -3, 400, "beside")), ("days", 1),
        connect("alder", 0, back=40, more="beside"),
    ]),
    "an account that a program has brought back could not leave again in the truth": ("2026-03-27", [
        connect("alder", 0), ("leave", "alder", False, ""),
        ("connect", "alder", [0], "cozy", 20, 400, 400, "beside"), ("leave", "alder", False, ""),
    ]),
    "a right that its household had ended here went on in the truth, for who was behind it": ("2026-01-03", [
        connect("alder", 1), ("leave", "alder", True, "revoke"), connect("birch", 1, back=40, more="beside"),
        ("leave", "alder", True, ""),
    ]),
    "who had moved in got the days of the household before once that one left": ("2026-01-03", [
        connect("alder", 1, back=40), ("move", 1, "alder", "birch", "page"), ("days", 1),
        ("leave", "alder", False, ""),
    ]),
    "who was behind a household that left was in force at its revocation in the truth": ("2028-02-27", [
        connect("alder", 2, back=60, ahead=5), connect("birch", 2, more="beside"), ("leave", "alder", False, ""),
        connect("cedar", 2, ahead=-3),
    ]),
    "a right that was never in force for its account took days in the truth": ("2026-10-22", [
        ("connect", "alder", [0], "cozy", 5, 400, 1100, ""),
        ("meanwhile", 0, connect("birch", 0, back=40, ahead=-3, calls=1100, more="beside")), ("check",),
        connect("alder", 0, 3, ahead=0, calls=10),
    ]),
}  # fmt: skip
"""Lives that the model found by itself. They used to go wrong and now go well."""

FOUND |= {
    f"a monthly reading stored what belonged to who had come, after {after} requests": ("2026-04-20", [
        connect("alder", 0, back=300), ("days", 2), ("meanwhile", after, ("revoke", 0, "alder", "TITULAIRE")),
        ("meanwhile", after, connect("birch", 0, back=300, more="beside")), ("published",),
    ])
    for after in range(16)
}  # fmt: skip
