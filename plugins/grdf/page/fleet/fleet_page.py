"""The fleet page, and the button that confirms a known silence."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, time

from fastapi import APIRouter, HTTPException, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.health.fleet_verdict import find_concerns, read_client
from grdf.page.html.catalogue import Texts
from grdf.page.html.chart import Bar, Column, bar_chart
from grdf.page.html.formatting import LocaleFormatter
from grdf.page.html.render import page, texts_for
from grdf.page.list.shared_mirrors import account_mirror, all_meters, couchdb
from grdf.page.security import AccountDep, ActorDep, VisitorDep, can_act, can_connect_some, visible_accounts
from grdf.stores.accounts.account_store import AccountStore
from include.gas.account.marks import SilenceMark
from include.gas.days.gas_day import PARIS, paris_today, utc_text
from include.gas.display.fleet_summary import AGES, DayDelay, summarize_fleet
from include.gas.documents.day_documents import ACCOUNT_ID, DAG_PREFIX, dag_id
from include.gas.errors import BadAccount
from include.gas.health.verdict import reach_verdict

log = logging.getLogger(__name__)
router = APIRouter()

ADOPTING = "grdf_adopt_rights"
NAMED = 3
"""Accounts named for each cause."""


@router.get("/fleet")
def fleet_view(request: Request, visitor: VisitorDep) -> Response:
    """Show the visible accounts together; quota and rights only to a visitor who may see all."""
    lines = account_mirror().lines()
    accounts = [account for account in lines if ACCOUNT_ID.fullmatch(account)]
    seen = visible_accounts(visitor, accounts)
    now = datetime.now(UTC)
    overviews = [lines[account] for account in accounts if account in seen]
    found = summarize_fleet(overviews, paris_today(now))
    sees_all = len(seen) == len(accounts)
    clients = [read_client(name) for name in settings.connections.or_default()] if sees_all else []
    rights = find_concerns(couchdb(), all_meters(), overviews, clients, now) if sees_all else []
    return page(
        request,
        "fleet.html",
        fleet=found,
        findings=reach_verdict(overviews, clients, now, rights).findings,
        named=NAMED,
        ages=list(zip(_names(texts_for(request)), found.ages, strict=True)),
        delays=_draw_delays(found.delays, texts_for(request)),
        may_know={each.id for each in found.silent if can_act(visitor, dag_id(each.id))},
        midnight=datetime.combine(paris_today(now), time(), PARIS).astimezone(UTC),
        clients=clients,
        sees_all=sees_all,
        adopting=ADOPTING,
        may_adopt=sees_all and can_act(visitor, ADOPTING),
        one_machine=settings.quota_url().startswith("sqlite:"),  # a file holds the calls of one machine
        dag_prefix=DAG_PREFIX,
        utc_text=utc_text,
        read_at=utc_text(now),
        may_connect=can_connect_some(visitor),
    )


@router.post("/accounts/{account}/known")
def mark_silence_known(request: Request, account: AccountDep, visitor: ActorDep) -> Response:
    """Note that the account's silence is known. After a new day it may be reported again."""
    known = SilenceMark(utc_text(datetime.now(UTC)), visitor.name)
    try:
        AccountStore(couchdb()).update(account, known.add_to)
    except BadAccount:
        raise HTTPException(404, "no such account") from None
    log.info("Account %s: %s says that its silence is known.", account, visitor.name)
    return RedirectResponse(f"{request.scope['root_path']}/fleet#silent", 303)


def _draw_delays(delays: Sequence[DayDelay], t: Texts) -> Markup | None:
    """Return the chart of how late the last month's days were read."""
    spell = LocaleFormatter(t.language)
    columns = [
        Column(
            str(each.day.day),
            t("fleet.delay", day=spell.weekday(each.day), median=each.median, most=each.most, meters=each.meters),
            (Bar(each.median, "measured"), Bar(each.most, "former")),
        )
        for each in delays
    ]
    name, unit = t("fleet.delays"), t("fleet.delays.unit")
    return bar_chart(columns, ("now", "before"), name=name, unit=unit, number=spell.number) if columns else None


def _names(t: Texts) -> list[str]:
    firsts = [age + 1 for age in AGES[:-1]]
    between = [str(last) if first == last else f"{first}–{last}" for first, last in zip(firsts, AGES[1:], strict=True)]
    return [
        t("fleet.age.most", days=AGES[0]), *between, t("fleet.age.more", days=AGES[-1]), t("fleet.age.none"),
    ]  # fmt: skip
