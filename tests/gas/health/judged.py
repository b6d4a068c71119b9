"""Verdicts on account documents, all on the same day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from include.gas.account.status import Status
from include.gas.days.windows import Window
from include.gas.display.overview import overview
from include.gas.health.rights_concerns import Concern
from include.gas.health.verdict import Client, Verdict, judge
from include.gas.rights.meter_rights import Held, Word

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


def held(pce: str, word: Word = "active", *, first: date = date.min, end: date = date.max, **more: Any) -> Held:
    """Return what an account has of a meter, with the days between two."""
    return Held(pce=pce, word=word, right="right", days=(Window(first, end),), **more)


def with_held(document: dict[str, Any], *meters: Held) -> dict[str, Any]:
    """Return an account document that has these meters."""
    named = [{"pce": each.pce, "id_accreditation": each.right} for each in meters]
    return Status.with_held({**document, "oauth_callback_results": {"consents": named}}, meters)


def judged(
    *documents: dict[str, Any],
    clients: Iterable[Client] = (),
    unread: Mapping[str, str] | None = None,
    refused: Iterable[str] = (),
    rights: Iterable[Concern] = (),
) -> Verdict:
    """Return the verdict on a fleet.

    :param unread: why accounts are not read by us
    :param refused: the clients that GRDF gives no token
    """
    fleet = [overview(each) for each in documents]
    told = unread or {}
    return judge(
        fleet, list(clients), NOW, rights, lambda names: {name: told[name] for name in names if name in told},
        lambda client: "is refused" if client in refused else "",
    )  # fmt: skip


def causes(found: Verdict) -> dict[str, list[str]]:
    """Return whom each cause concerns."""
    return {each.cause.value: [one.name for one in each.named] for each in found.findings}
