"""The direct way in: check, summary, and storing. The account's run asks GRDF."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from grdf import settings
from grdf.page.connect.account_lookup import couchdb, find_connectable_account
from grdf.page.connect.consent_text import consent_text, text_digest
from grdf.page.connect.forms import DirectForm, show_forms
from grdf.page.connect.opener import ConnectionStopped, Opener
from grdf.page.html.render import page, texts_for
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from include.gas.account.connection_documents import document_to_declare, has_other_declaration
from include.gas.account.declaration import Declaration, without_expired_person
from include.gas.account.declared_right import declaration_request
from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import Document
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord, new_record
from include.gas.rights.meter_rights import RENEWED_FROM

log = logging.getLogger(__name__)


def declare(request: Request, opener: Opener, typed: DirectForm) -> Response:
    """Check the form, show the summary with the text to tick, or store the declaration."""
    t, account, household = texts_for(request), opener.account, opener.is_household
    if typed.step == "change":
        return show_forms(request, opener, typed=typed)
    if wrong := typed.wrong_fields(account, household=household):
        return show_forms(request, opener, typed=typed, errors=wrong)
    now, asked = datetime.now(UTC), typed.declaration(account)
    text = consent_text(asked, t.language, paris_today(now)) if household else None
    is_sent, mark = typed.step == "send", text_digest(text) if text else ""
    if is_sent and (text is None or typed.agreed == mark):
        by, proof = (HOUSEHOLD, "") if household else (opener.by, typed.texts["proof"])
        _store(opener, asked, new_record(account, asked, now, by=by, agreed=text, proof=proof))
        return opener.follow(request)
    access = Status.access_of(find_connectable_account(account)[0] or {}).get(asked.pce)
    renews, soon = access.renews_on if access else None, paris_today(now) + RENEWED_FROM
    what = "what" if renews is None else "renews" if renews <= soon else "lasts"
    return page(
        request,
        "direct_check.html",
        422 if is_sent else 200,
        account=account,
        declaration=asked,
        what=f"direct.check.{what}",
        renews=renews,
        covers=declaration_request(asked, paris_today(now)),
        typed=typed,
        text=text,
        mark=mark,
        third_party=settings.third_party() or t("consent.third_party"),
        unticked=is_sent,
        action=f"{request.scope['root_path']}{opener.path()}",
    )


def _store(opener: Opener, asked: Declaration, record: ConsentRecord) -> None:
    """Store the consent record, then the declaration; ``GasError`` or ``ConnectionStopped`` if it may not be."""
    account, at = opener.account, datetime.fromisoformat(record.given)
    _, connection = find_connectable_account(account)

    def change(stored: Document | None) -> Document:
        if stored is not None and has_other_declaration(without_expired_person(stored, at), asked):
            log.warning(
                "Account %s: a form of %s was not sent, since another one waits for GRDF's answer, for another holder, "
                "e-mail address or meter.", account, opener.by,
            )  # fmt: skip
            raise ConnectionStopped("direct_waits.household" if opener.is_household else "direct_waits", 409, account)
        return document_to_declare(stored, account, asked, opener.mark(at, stored), connection=connection)

    if opener.has_sent(sends=True):
        return

    # The account's run may declare the right as soon as the account is stored, so the record comes first. A form that
    # loses the account to another one takes its record back; after any other failure the account may be stored.
    records = ConsentRecords(couchdb())
    records.add(record)
    try:
        AccountStore(couchdb()).save(account, change)
    except ConnectionStopped:
        records.remove(record)
        raise
    log.info("Account %s: %s connected it, and its right is to be declared.", account, opener.by)
