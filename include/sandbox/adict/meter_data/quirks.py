"""Quirks per meter: layout, lines, refusals.

Every key is optional::

    {"layout": ["glued", "pretty", "nbsp", "bom", "blank_lines", "missing_bracket", "truncated", "status_line",
                "envelope", "array", "empty_body", "scalar_car"],
     "lines": {"duplicate": [day, ...], "foreign": true, "absent_null": [day, ...], "absent_zero": [day, ...],
               "missing": [day, ...], "broken": [day, ...] or {day: any JSON value}, "published_twin": true,
               "partial": {"from": day, "times": 1 or null}},
     "refusal": "1000014" or null, "frequency": "1M" | "6M" | "JJ", "contract_ended": true}

``layout`` never loses a good line: ``missing_bracket`` and ``truncated`` add a broken copy. ``lines``, except
``duplicate`` and ``foreign``, list days without usable energy. ``partial`` fails with 2000100 from a day on, ``times``
times (null: forever).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

from include.sandbox.adict.store import Store

KEYS: Final = frozenset(["layout", "lines", "refusal", "frequency", "contract_ended"])


def read_quirks(store: Store, pce: str) -> dict[str, Any]:
    """Return a meter's quirks, ``{}`` if it has none."""
    rows = store.rows("SELECT body FROM quirks WHERE pce = ?", pce)
    found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return found


def write_quirks(store: Store, pce: str, quirks: dict[str, Any]) -> None:
    """Replace a meter's quirks; ``{}`` clears them."""
    store.run("INSERT OR REPLACE INTO quirks VALUES (?, ?)", pce, json.dumps(quirks))


def has_daily_data(quirks: dict[str, Any]) -> bool:
    """Return whether a meter has daily data."""
    return bool(quirks.get("frequency", "1M") == "1M")


def unusable(quirks: dict[str, Any], day: date) -> bool:
    """Return whether a meter's quirks leave no usable energy for a gas day."""
    lines = quirks.get("lines") or {}
    text = day.isoformat()
    partial = lines.get("partial")
    if partial and partial.get("times") is None and text >= partial["from"]:
        return True
    return any(text in (lines.get(name) or []) for name in ("absent_null", "absent_zero", "missing", "broken"))


def use_partial(store: Store, pce: str, first: date, end: date) -> date | None:
    """Return the day from which this response fails with 2000100, if any, and count one use of the quirk."""
    with store.lock:
        quirks = read_quirks(store, pce)
        partial = (quirks.get("lines") or {}).get("partial")
        if not partial or partial.get("times") == 0 or partial["from"] >= end.isoformat():
            return None
        if partial.get("times") is not None:
            partial["times"] -= 1
            write_quirks(store, pce, quirks)
        return max(first, date.fromisoformat(partial["from"]))
