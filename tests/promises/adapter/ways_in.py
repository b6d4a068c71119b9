"""The ways in by which households come: GRDF's site, a declaration, a form, a file."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi.testclient import TestClient

from include.sandbox.adict.meter_data.meters import find_meter
from tests.promises.adapter.outside import REDIRECT
from tests.promises.adapter.runs import Runs
from tests.promises.adapter.seen import Document

ORIGIN = REDIRECT.partition("/grdf")[0]


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    boxes: dict[str, list[str]] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


def forms(page: str) -> list[Form]:
    found: list[Form] = []
    inside = False
    for tag, inner in re.findall(r"<(/?form|input|select|textarea|button)\b([^>]*)>", page):
        given = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)(?:="([^"]*)")?', inner)}
        name, value, kind = given.get("name"), given.get("value", ""), given.get("type")
        if tag.endswith("form"):
            inside = tag == "form"
            found += [Form(given.get("action", ""), given.get("method", "get").lower())] if inside else []
        elif inside and name:
            form = found[-1]
            if tag == "button" or kind == "submit":
                form.buttons.setdefault(name, value)
                continue
            if kind in ("checkbox", "radio"):
                form.boxes.setdefault(name, []).append(value)
            if kind not in ("checkbox", "radio") or "checked" in given:
                form.fields.setdefault(name, []).append(value)
    return found


class Town(Runs):
    def connect(self, account: str, *pces: str, way: str = "cozy", run: bool = True, **terms: Any) -> list[str]:
        """Return the rights. ``way``: ``cozy`` as cozy-stack leaves it, ``code`` still to exchange, or ``page``."""
        if way == "page":
            begun = self.begin(account)
            if begun.status_code != 303:
                return []
            query = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
            code, made = self.agree(account, *pces, nonce=query["nonce"], **terms)
            self._page("GET", "/callback", params={"code": code, "state": query["state"]})
        else:
            code, made = self.agree(account, *pces, **terms)
            if way == "code":
                self.put(account, {"oauth": {"code": code, "redirect_uri": REDIRECT, "nonce": "nonce"}})
            else:
                token = self.exchange(code)
                results = (self.account(account).get("oauth_callback_results") or {}) | {"id_token": token["id_token"]}
                oauth = {"access_token": token["access_token"], "nonce": "nonce"}
                self.put(account, {"oauth": oauth, "oauth_callback_results": results})
        if run:
            self.first_runs() if account not in self.last else self.run(account)
        return made

    def konnector(self, account: str, pce: str, right: str) -> None:
        """Put an account as Cozy's konnector has left it: it knows its meter and right."""
        results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": right}]}
        self.put(account, {"oauth": {}, "oauth_callback_results": results})

    def person(self, account: str, pce: str, **more: Any) -> Document:
        meter = find_meter(pce)
        assert meter
        given = {
            "pce": pce,
            "name": f"Invente-{account}",
            "postcode": meter.postcode,
            "email": f"{account}@example.org",
        }
        return given | {name: str(value) if isinstance(value, date) else value for name, value in more.items()}

    def declare(self, account: str, pce: str, way: str = "document", *, run: bool = True, **more: Any) -> Any:
        """``way``: ``document``, ``form`` (an operator's), ``link`` (the household's own) or ``import``."""
        given = self.person(account, pce, **more)
        if way == "import":
            _, found = self.import_({"account": account, **given})
            answer: Any = found.get(account)
        elif way == "document":
            self.put(account, {"declaration": given})
            answer = None
        else:
            answer = self.send_form(account, given, link=way == "link")
        if run:
            self.first_runs()
        return answer

    def form(self, account: str, given: Document, *, link: bool = False) -> tuple[str, Document]:
        """Fill in the form up to its summary. Return where it is sent, and its fields; none if refused."""
        to = self.link(account) if link else f"/connect/{account}"
        return to, self.fill_in(to, given) if to else {}

    def link(self, account: str) -> str:
        """Make a household's link, which is good from now on in place of an earlier one; none if refused."""
        answer = self._page("POST", f"/connect/{account}/link", accept="application/json")
        return f"/household?{answer.json()['link'].partition('?')[2]}" if answer.status_code < 400 else ""

    def fill_in(self, to: str, given: Document) -> Document:
        """Return the fields of the form's summary; none if refused."""
        login = to.startswith("/connect")
        proof = {"proof": "a paper of the tests"} if login else {}
        summary = self._page("POST", to, data={**given, **proof, "step": "check"}, login=login)
        found = [each for each in forms(summary.text) if summary.status_code == 200 and "pce" in each.fields]
        return found[0].fields | found[0].boxes if found else {}

    def send_form(self, account: str, given: Document, *, link: bool = False) -> int:
        """Fill in the form and send it. Return the status of the answer; 303 leads to the page that follows."""
        to, fields = self.form(account, given, link=link)
        return self.press(to, fields) if fields else 0

    def press(self, to: str, fields: Document) -> int:
        return int(self._page("POST", to, data=fields | {"step": "send"}, login=to.startswith("/connect")).status_code)

    def progress(self, account: str) -> Document:
        answer = self._page("GET", f"/connect/{account}/progress", accept="application/json")
        return dict(answer.json()) if answer.status_code == 200 else {}

    def fleet_page(self) -> str:
        return self.page("/fleet")

    def page(self, path: str) -> str:
        """Return the text of a page, as an operator sees it."""
        answer = self._page("GET", path)
        assert answer.status_code == 200, answer.text
        return re.sub(r"<[^>]+>|\s+", " ", answer.text.partition("<main>")[2])

    def account_page(self, account: str) -> str:
        answer = self._page("GET", f"/accounts/{account}")
        assert answer.status_code == 200, answer.text
        return re.sub(r"<[^>]+>|\s+", " ", answer.text.partition("<main>")[2])

    def begin(self, account: str) -> Any:
        person = {"first_name": "A", "last_name": "B", "email": "a@b.example"}
        return self._page("POST", f"/connect/{account}", data=person)

    def _page(self, method: str, path: str, *, login: bool = True, accept: str = "text/html", **options: Any) -> Any:
        app, token = _page_app()
        headers = {"Accept": accept, "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        headers |= {"Authorization": f"Bearer {token}"} if login else {}
        self.browser = getattr(self, "browser", None) or TestClient(
            app, ORIGIN, root_path="/grdf", follow_redirects=False
        )
        return self.browser.request(method, f"/grdf{path}", headers=headers, **options)


@cache
def _page_app() -> tuple[Any, str]:
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from grdf.page.app import create_app

    manager = init_auth_manager()
    return create_app(), manager.generate_jwt(SimpleAuthManagerUser(username="operator", role="admin"))  # type: ignore[type-var]
