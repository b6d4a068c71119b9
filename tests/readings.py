"""What account documents hold of their meters' readings, as any program may have written it."""

from __future__ import annotations

from typing import Any


def with_reading(document: dict[str, Any], pce: str, years: Any = None, **more: Any) -> dict[str, Any]:
    """``years``: the summary of the stored days by year; ``more`` replaces the usual."""
    status = document.get("status") or {}
    entry = {"years": years or {}, "since": "2023-01-01", "whole_at": "2026-01-01", "under": ["x"]} | more
    entry = {key: value for key, value in entry.items() if value is not None}
    return document | {"status": status | {"readings": status.get("readings", {}) | {pce: entry}}}


def with_billing(document: dict[str, Any], pce: str, frequency: str = "1M", **more: Any) -> dict[str, Any]:
    status = document.get("status") or {}
    entry = {"read_at": "2026-01-01T12:00:00Z", "under": ["x"], "frequency": frequency, **more}
    return document | {"status": status | {"billing": status.get("billing", {}) | {pce: entry}}}
