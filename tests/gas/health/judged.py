"""Verdicts on account documents, all on the same day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from include.gas.display.overview import overview
from include.gas.health.sights import NOTHING_SEEN, Sight
from include.gas.health.verdict import Client, Verdict, judge

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


def judged(
    *documents: dict[str, Any], clients: Iterable[Client] = (), sights: Mapping[str, Sight] = NOTHING_SEEN
) -> Verdict:
    """Return the verdict on a fleet. Of so few accounts, each one that is concerned crosses any limit."""
    return judge(map(overview, documents), list(clients), NOW, sights)


def causes(found: Verdict) -> dict[str, list[str]]:
    """Return whom each cause concerns."""
    return {each.cause.value: [name for name, _ in each.named] for each in found.findings}
