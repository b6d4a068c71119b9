"""The page with the ways in that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.attempt import MINUTES
from grdf.page.connect.opener import Opener
from grdf.page.connect.place import couchdb, place
from grdf.page.guard import policy
from grdf.page.html.render import page
from grdf.page.ways_in.direct_form import Typed
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.declared_right import YEARS_BACK
from include.gas.account.grant import results_of
from include.gas.account.sections.rights.declaration import PERIMETERS
from include.gas.days.gas_day import ONE_DAY, PARIS, paris_today
from include.gas.days.windows import oldest_allowed


def start_page(
    request: Request,
    opener: Opener,
    *,
    holder: Mapping[str, str] | None = None,
    typed: Typed | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    """Return the page with a form for each way in.

    :param holder: the fields of Client Connect as typed, if they are not valid
    :param typed: the form of the direct way as typed
    :param errors: what is wrong there, by field
    :raises GasError: if the account cannot be connected
    """
    account, household, ways, where = opener.account, bool(opener.link), settings.ways_in(), place(opener.account)
    several, today = len(settings.connections()) > 1, paris_today(datetime.now(UTC))
    links = settings.household_links() and not household
    until = HouseholdLinks(couchdb()).good_until(account) if links else None
    answer = page(
        request,
        "connect.html",
        422 if holder or errors else 200,
        account=account,
        known=bool(results_of(where.document or {}).get("consents")),
        client=where.connection if several and not household else "",
        household=household,
        ways=ways,
        minutes=MINUTES,
        holder=holder or {},
        wrong=holder is not None,
        action=f"{request.scope['root_path']}{opener.path()}",
        typed=typed or (Typed.blank() if household else Typed.to_correct(where.document)),
        errors=errors or {},
        perimeters=PERIMETERS,
        oldest=oldest_allowed(today, YEARS_BACK),
        tomorrow=today + ONE_DAY,
        links=links,
        link_until=datetime.fromtimestamp(until, PARIS).isoformat() if until else None,
    )
    if "client_connect" in ways:  # Chromium applies "form-action" to the redirects after a form is sent, too.
        grdf = urlsplit(GrdfOAuthHook(where.connection).facts.authorize_url)
        places = f"'self' {grdf.scheme}://{grdf.netloc} https://*.grdf.fr"
        answer.headers["Content-Security-Policy"] = policy(**{"form-action": places})
    return answer
