"""The page behind a household's own link: its figures, its consent, its copy, and its withdrawal."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from grdf import settings
from grdf.household_copy.making import make_copy
from grdf.page.account.account_charts import compare_cell, describe_cell
from grdf.page.account.account_data import account_view
from grdf.page.account.account_page import as_file, draw_charts
from grdf.page.connect.account_lookup import couchdb
from grdf.page.connect.opener import HOUSEHOLD, PAGE, PAGE_DAYS, ConnectionStopped, Opener, PageLink, by_link
from grdf.page.connect.sealed_texts import unseal
from grdf.page.html.render import page, texts_for
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.marks import BY_LINK, leaving_asker, with_leaving
from include.gas.days.gas_day import ONE_DAY, YEARS, paris_today
from include.gas.documents.day_documents import Document
from include.gas.documents.doctypes import ACCOUNT

log = logging.getLogger(__name__)
router = APIRouter()


def _household(request: Request, token: str = "") -> Opener:
    """Return the household whose page a link opens; ``ConnectionStopped`` for any other link."""
    request.state.household = True
    found = unseal(token, PageLink, 86_400 * PAGE_DAYS) if settings.household_links() else None
    if found:
        household = Opener(found.account, BY_LINK, found.id, token)
        is_good = HouseholdLinks(couchdb(), to_page=True).link_state(found.account, found.id) == "good"
    else:
        household = by_link(request, token)
        is_good = household.has_sent() and household.has_page(couchdb().get(ACCOUNT, household.account))
    if not is_good:
        raise ConnectionStopped("link_void", 404)
    return household


HouseholdDep = Annotated[Opener, Depends(_household)]


@router.get(f"{HOUSEHOLD}{PAGE}")
def show(request: Request, household: HouseholdDep, meter: str = "", year: str = "") -> Response:
    """Show a household's months and years, what it agreed to, and how it withdraws."""
    t, today = texts_for(request), paris_today(datetime.now(UTC))
    document = AccountStore(couchdb()).read_document(household.account)
    asked = date(int(year), 12, 1) if year.isdecimal() and len(year) == 4 and int(year) in YEARS else None
    view = account_view(couchdb(), document, today=today, meter=meter, month=asked, of_operator=False)
    agreed = [record for record in ConsentRecords(couchdb()).records_of(household.account) if record.agreed]
    return page(
        request,
        "household_page.html",
        view=view,
        charts=draw_charts(request, view.figures),
        said=describe_cell,
        compare=compare_cell,
        one_day=ONE_DAY,
        agreed=agreed[-1] if agreed else None,
        is_leaving=leaving_asker(document) is not None,
        third_party=settings.third_party() or t("consent.third_party"),
        path=f"{request.scope['root_path']}{HOUSEHOLD}{PAGE}",
        token=household.token,
    )


@router.get(f"{HOUSEHOLD}{PAGE}/copy.zip")
def download_copy(household: HouseholdDep) -> Response:
    """Return a household's copy of its data, made at once and kept nowhere."""
    copy, _ = make_copy(couchdb(), household.account)
    log.info("Account %s: its household downloaded its copy with its link.", household.account)
    return as_file(copy, "gas.zip", "application/zip")


@router.post(f"{HOUSEHOLD}{PAGE}/withdraw")
def withdraw(request: Request, household: HouseholdDep) -> Response:
    """Stop the reading at once. The revocation at GRDF needs the deletion's secret, so an operator starts that."""
    store, now = AccountStore(couchdb()), datetime.now(UTC)

    def change(document: Document) -> Document:
        is_leaving = leaving_asker(document) is not None
        return document if is_leaving else with_leaving(document, by=BY_LINK, since=now)

    if leaving_asker(store.read_document(household.account)) is None:
        store.update(household.account, change)
        log.warning(
            "Account %s: its household has withdrawn its consent with its link. It is not read any more. Start "
            "grdf_delete_account, which revokes the consent at GRDF.", household.account,
        )  # fmt: skip
    return RedirectResponse(f"{request.scope['root_path']}{household.path(PAGE)}", 303)
