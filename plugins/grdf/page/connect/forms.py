"""The forms of the ways in, and what was entered in the direct one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect.account_lookup import couchdb, find_connectable_account, sandbox_mailbox
from grdf.page.connect.consent_text import consent_text
from grdf.page.connect.opener import Opener
from grdf.page.connect.progress_page import describe_progress
from grdf.page.guard import policy
from grdf.page.html.render import page, texts_for
from grdf.stores.household_links import HouseholdLinks
from include.gas.account.declaration import (
    PERIMETERS,
    USUAL_PERIMETERS,
    Declaration,
    checked_declaration,
    declaration_section,
    is_correctable,
    wrong_fields,
)
from include.gas.account.declared_right import YEARS_BACK
from include.gas.days.gas_day import ONE_DAY, PARIS, paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import Document

MINUTES = 60
"""How long a household may take on GRDF's site."""
TEXTS = ("pce", "name", "company", "postcode", "email", "phone", "first", "calls_until", "proof")
"""Text fields, named as in the declaration; operators alone fill in ``proof``."""
OPTIONAL = ("company", "phone", "first", "calls_until")
ALWAYS = PERIMETERS[0]
LONGEST_PROOF = 200


class DirectForm:
    """The form of the direct way: ``step`` is ``check``, ``send`` or ``change``, ``agreed`` the text's digest."""

    def __init__(self, sent: FormData) -> None:
        self.texts = {name: str(sent.get(name, "")).strip() for name in TEXTS}
        self.texts["postcode"] = "".join(self.texts["postcode"].split())
        chosen = [str(each) for each in sent.getlist("perimeters")]
        self.perimeters = [ALWAYS, *(each for each in chosen if each != ALWAYS)]
        self.step, self.agreed = (str(sent.get(name, "")) for name in ("step", "agreed"))

    @classmethod
    def to_correct(cls, document: Document | None) -> DirectForm:
        """Return the form with a correctable earlier entry, or empty."""
        former = Declaration.from_document(document) if document and is_correctable(document) else None
        sent = declaration_section(former or Declaration())
        chosen = [("perimeters", name) for name in sent.pop("perimeters", USUAL_PERIMETERS)]
        return cls(FormData([*sent.items(), *chosen]))

    def __repr__(self) -> str:
        """Return a text without personal data."""
        return f"DirectForm(step={self.step!r})"

    def hidden_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the hidden fields that carry the form."""
        yield from self.texts.items()
        yield from (("perimeters", each) for each in self.perimeters)

    def wrong_fields(self, account: str, *, household: bool) -> list[str]:
        """Return the names of wrong fields. A household's tick is proof enough."""
        proof = self.texts["proof"]
        odd = not household and (not proof or len(proof) > LONGEST_PROOF or not proof.isprintable())
        return [*wrong_fields(self._document(account)), *(["proof"] if odd else [])]

    def has_choices(self, errors: Collection[str]) -> bool:
        """Return whether anything optional was entered, chosen or wrong."""
        entered = any(self.texts[name] or name in errors for name in OPTIONAL)
        return entered or "perimeters" in errors or self.perimeters != [*USUAL_PERIMETERS]

    def declaration(self, account: str) -> Declaration:
        """Return the declaration of a form without wrong fields."""
        return checked_declaration(self._document(account))

    def _document(self, account: str) -> Document:
        entered = {name: value for name, value in self.texts.items() if name != "proof"}
        return {"_id": account, Declaration.key: entered | {"perimeters": self.perimeters}}


def show_forms(
    request: Request,
    opener: Opener,
    *,
    holder: Mapping[str, str] | None = None,
    typed: DirectForm | None = None,
    errors: Collection[str] = (),
) -> Response:
    """Return the page with a form for each way in."""
    t, account, household, ways = texts_for(request), opener.account, opener.is_household, settings.ways_in()
    document, connection = find_connectable_account(account)
    action = f"{request.scope['root_path']}{opener.path()}"
    several, today = len(settings.connections()) > 1, paris_today(datetime.now(UTC))
    links = settings.household_links() and not household
    shown = typed or DirectForm.to_correct(None if household else document)
    # Ours in short; another text in full, since only its author knows what it says.
    usual = Declaration(perimeters=[*USUAL_PERIMETERS])
    own_text = consent_text(usual, t.language, today) if household and settings.consent_text() else None
    until = HouseholdLinks(couchdb()).valid_until(account, document) if links else None
    answer = page(
        request,
        "connect.html",
        422 if holder or errors else 200,
        account=account,
        before=describe_progress(t, opener, document, action),
        client=connection if several and not household else "",
        ways=ways,
        minutes=MINUTES,
        holder=holder or {},
        wrong=holder is not None,
        action=action,
        typed=shown,
        errors={name: t(f"direct.wrong.{name}") for name in errors},
        perimeters=PERIMETERS,
        has_choices=shown.has_choices(errors),
        oldest=oldest_allowed(today, YEARS_BACK),
        tomorrow=today + ONE_DAY,
        own_text=own_text,
        third_party=settings.third_party() or t("consent.third_party"),
        known=document is not None,
        sandbox="" if household else sandbox_mailbox(connection),
        links=links,
        link_until=datetime.fromtimestamp(until, PARIS).isoformat() if until else None,
    )
    if "client_connect" in ways:  # Chromium applies "form-action" to redirects after a form, too.
        grdf = urlsplit(GrdfOAuthHook(connection).facts.authorize_url)
        places = f"'self' {grdf.scheme}://{grdf.netloc} https://*.grdf.fr"
        answer.headers["Content-Security-Policy"] = policy(**{"form-action": places})
    return answer
