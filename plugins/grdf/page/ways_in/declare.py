"""The direct way in: the form's check, a summary of what GRDF will mail to whom, and what is stored when it is sent.

GRDF is asked by the account's run.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from grdf import settings
from grdf.page.connect.opener import Opener, let_pass
from grdf.page.connect.place import couchdb, place
from grdf.page.connect.stop import Stop
from grdf.page.html.render import page, texts_for
from grdf.page.ways_in.consent_text import consent_text, mark_of
from grdf.page.ways_in.direct_form import Typed
from grdf.page.ways_in.start_page import start_page
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.household_links import HouseholdLinks
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.connected import declaring, is_for_another
from include.gas.account.declared_right import request_of
from include.gas.account.sections.rights.declaration import Declaration, without_old_person
from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import Document
from include.gas.documents.stored_consent import ConsentRecord, ConsentText
from include.gas.errors import RetryLater
from include.gas.proof.consent_record import HOUSEHOLD, new_record

log = logging.getLogger(__name__)


def declare(request: Request, opener: Opener, typed: Typed) -> Response:
    """Check the form, show the summary with the text that a household has to tick, or store what is asked for."""
    t, account = texts_for(request), opener.account
    if typed.step == "change":
        return start_page(request, opener, typed=typed)
    if wrong := typed.wrong(account, household=bool(opener.link)):
        return start_page(request, opener, typed=typed, errors={name: t(f"direct.wrong.{name}") for name in wrong})
    now, asked = datetime.now(UTC), typed.declaration(account)
    text = consent_text(asked, t.language, paris_today(now)) if opener.link else None
    ticked = text is None or typed.agreed == mark_of(text)
    if typed.step != "send" or not ticked:
        return _summary(request, opener, typed, asked, text, unticked=typed.step == "send")
    by, proof = (HOUSEHOLD, "") if opener.link else (opener.by, typed.texts["proof"])
    _store(opener, asked, new_record(account, asked, now, by=by, agreed=text, proof=proof))
    return opener.follow(request)


def _summary(
    request: Request, opener: Opener, typed: Typed, asked: Declaration, text: ConsentText | None, *, unticked: bool
) -> Response:
    place(opener.account)
    return page(
        request,
        "direct_check.html",
        422 if unticked else 200,
        account=opener.account,
        household=bool(opener.link),
        declaration=asked,
        covers=request_of(asked, paris_today(datetime.now(UTC))),
        typed=typed,
        text=text,
        mark=mark_of(text) if text else "",
        third_party=settings.third_party() or texts_for(request)("consent.third_party"),
        unticked=unticked,
        action=f"{request.scope['root_path']}{opener.path()}",
    )


def _store(opener: Opener, asked: Declaration, record: ConsentRecord) -> None:
    """Store the record of the consent, then the account with its declaration.

    :raises GasError: if the account cannot be connected
    :raises Stop: if it cannot be now, or the link is not good
    """
    store, account, where = couchdb(), opener.account, place(opener.account)
    links, records, at = HouseholdLinks(store), ConsentRecords(store), datetime.fromisoformat(record.given)

    def change(stored: Document | None) -> Document:
        where.check_unchanged(stored)
        if stored is not None and is_for_another(without_old_person(stored, at), asked):
            log.warning(
                "Account %s: a form of %s was not sent, since another one waits for GRDF's answer, for another holder, "
                "e-mail address or meter.", account, opener.by,
            )  # fmt: skip
            raise Stop("direct_waits.household" if opener.link else "direct_waits", 409, account)
        return declaring(stored, account, asked, at=at, by=opener.by, connection=where.connection)

    if opener.link:
        standing = links.take(account, opener.link, record.given)
        let_pass(standing)
        if standing == "used":  # by another click
            return
    try:
        records.add(record)
        AccountStore(store).save(account, change)
    except Exception as error:
        if not isinstance(error, RetryLater):  # it may be stored, and is nobody's for long: see grdf_retention
            records.remove(record)
        if opener.link:
            links.give_back(account, record.given)
        raise
    log.info("Account %s: %s connected it, and its right is to be declared.", account, opener.by)
