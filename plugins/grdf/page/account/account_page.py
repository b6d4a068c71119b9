"""The page of one account, and its downloads."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.page.account.account_charts import compare_cell, describe_cell, draw_chart
from grdf.page.account.account_data import Figures, account_view, names_in_addresses
from grdf.page.html.formatting import LocaleFormatter, asked_month
from grdf.page.html.render import home_link, page, problem, texts_for
from grdf.page.list.shared_mirrors import account_mirror, couchdb
from grdf.page.security import (
    AccountDep,
    ActorDep,
    ConnectorDep,
    Visitor,
    can_act,
    can_connect,
    may_view,
    visible_accounts,
)
from grdf.staging.staged_answers import Staging
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.group_store import GroupStore
from include.gas.city.groups import CODES
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.display.account_summary import summarize_account
from include.gas.display.cells import UNFINISHED, Cell
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.billing.periods import readable_periods
from include.gas.documents.day_documents import account_range, dag_id
from include.gas.documents.doctypes import ACCOUNT, DAY, PUBLISHED
from include.gas.household_copy.tables import FIGURES, to_csv
from include.gas.importing.csv_file import DIMENSIONS
from include.gas.meter_tag import meter_tag
from include.gas.proof.consent_record import HOUSEHOLD

log = logging.getLogger(__name__)
router = APIRouter()

ACTIONS = {"reread": "grdf_history", "leave": "grdf_delete_account", "export": "grdf_export_account"}
"""Further DAGs that can be started for an account."""


@router.get("/accounts/{account}")
def show(
    request: Request,
    account: AccountDep,
    visitor: Annotated[Visitor, Depends(may_view)],
    meter: str = "",
    month: str = "",
) -> Response:
    """Show an account."""
    document = couchdb().get(ACCOUNT, account)
    if document is None:
        return _unknown(request)
    today = paris_today(datetime.now(UTC))
    view = account_view(couchdb(), document, today=today, meter=meter, month=asked_month(month))
    dag = dag_id(account)
    allowed = {what for what, other in ACTIONS.items() if can_act(visitor, other)}
    allowed |= {"run"} if can_act(visitor, dag) else set()
    allowed |= {"connect"} if can_connect(visitor, account) and not view.line.building else set()
    return page(
        request,
        "account.html",
        account=account,
        dag=dag,
        view=view,
        situation=view.line.situation(today),
        today=today,
        charts=draw_charts(request, view.figures),
        said=describe_cell,
        compare=compare_cell,
        allowed=allowed,
        several=len(settings.connections.or_default()) > 1,
        one_person=settings.deletion_by_one_person.or_default(),
        reread=_range_to_reread(view.figures, today),
        one_day=ONE_DAY,
        records=ConsentRecords(couchdb()).records_of(account)[::-1] if "connect" in allowed else [],
        by_household=HOUSEHOLD,
        groups=GroupStore(couchdb()).read_groups(account),
        dimensions=DIMENSIONS,
        codes=CODES,
        tag=lambda pce: meter_tag(account, pce),  # as logs and messages name it
        behind=_accounts_behind(visitor, account, view.meter.access.pce) if view.meter else [],
    )


def _accounts_behind(visitor: Visitor, account: str, pce: str) -> list[str]:
    """Return the accounts that wait until this one's right to a meter ends, of those that the visitor may see."""
    waiting = list[str]()
    for other in account_mirror().lines().values():
        words = [access.word for access in other.access if access.pce == pce]
        if other.id != account and "behind" in words:
            waiting.append(other.id)
    return sorted(visible_accounts(visitor, waiting)) if waiting else []


@router.post("/accounts/{account}/groups")
async def assign_groups(request: Request, account: AccountDep, visitor: ActorDep) -> Response:
    """Give an account the groups of a form."""
    if await run_in_threadpool(couchdb().get, ACCOUNT, account) is None:
        return _unknown(request)
    form = await request.form()
    groups = {name: str(form.get(name) or "").strip() for name in DIMENSIONS}
    await run_in_threadpool(GroupStore(couchdb()).assign_groups, {account: groups})
    log.info("Account %s: %s assigned its groups.", account, visitor.name)
    return RedirectResponse(f"{request.scope['root_path']}/accounts/{account}#groups", 303)


@router.get("/accounts/{account}/published", dependencies=[Depends(may_view)])
def published(request: Request, account: AccountDep, meter: str = "") -> Response:
    """Compare the published periods of a meter with its stored days."""
    document = couchdb().get(ACCOUNT, account)
    if document is None:
        return _unknown(request)
    named = names_in_addresses(account, summarize_account(document).meters)
    pce = named.get(meter, "")
    span = account_range(account, pce)
    periods = couchdb().range(PUBLISHED, *span)
    compared = compare_all(periods, couchdb().range(DAY, *span))
    return page(
        request,
        "published.html",
        account=account,
        meter=pce,
        name=meter if pce else "",
        compared=compared[::-1],
        injected=[period for period in readable_periods(periods[::-1]) if period.kind == "injection"],
    )


@router.get("/accounts/{account}/{table}.csv", dependencies=[Depends(may_view)])
def download_csv(account: AccountDep, table: Literal["days", "months", "years", "published"]) -> Response:
    """Return one kind of data of all the account's meters as CSV."""
    if couchdb().get(ACCOUNT, account) is None:
        raise HTTPException(404, "no such account")
    doctype, columns = FIGURES[table]
    written = to_csv(columns, couchdb().range(doctype, *account_range(account)))
    return as_file(written, f"{account}-{table}.csv", "text/csv; charset=utf-8")


@router.get("/accounts/{account}/copy.zip")
def download_copy(request: Request, account: AccountDep, visitor: ConnectorDep) -> Response:
    """Return the copy for the account's household that ``grdf_export_account`` has made."""
    if (copy := Staging(settings.staging_url()).get_copy(account)) is None:
        return problem(request, 404, "copy.none", ((f"{request.scope['root_path']}/accounts/{account}", "copy.back"),))
    log.info("Account %s: %s downloaded its household's copy.", account, visitor.name)
    return as_file(copy, f"{account}.zip", "application/zip")


def as_file(content: str | bytes, name: str, media_type: str) -> Response:
    """Return a file for the browser to keep."""
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _unknown(request: Request) -> Response:
    return problem(request, 404, "account.unknown", home_link(request))


def draw_charts(request: Request, figures: Figures | None) -> dict[str, Any]:
    """Return the charts of a meter, and the cells of the month and the year shown."""
    if figures is None:
        return {}
    t = texts_for(request)
    spell, month, years = LocaleFormatter(t.language), figures.month, figures.years

    def year_label(cell: Cell) -> str:
        days = t("account.years.days", year=cell.first.year, days=cell.part[0] if cell.part else cell.days)
        return days if cell.part or cell.kind in UNFINISHED else spell.year(cell.first)

    name = t("account.days.chart", month=spell.month(month)), t("account.months.chart", year=month.year)
    return {
        "days": draw_chart(figures.days, t, name=name[0], label=lambda cell: str(cell.first.day), title=spell.weekday),
        "months": draw_chart(
            figures.months, t, name=name[1], label=lambda cell: spell.month_name(cell.first), title=spell.month
        ),
        "years": draw_chart(years, t, name=t("account.years.chart"), label=year_label, title=spell.year, years=True),
        "month": figures.months[month.month - 1],
        "year": next((cell for cell in years if cell.first.year == month.year), None),
    }


def _range_to_reread(figures: Figures | None, today: date) -> tuple[date, date]:
    """Return the proposed days to read again: the month shown, its end exclusive."""
    month = figures.month if figures else today.replace(day=1)
    return month, max(min((month + 31 * ONE_DAY).replace(day=1), today), month + ONE_DAY)
