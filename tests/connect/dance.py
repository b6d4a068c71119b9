"""The steps by which a household connects on GRDF's site, as its browser takes them, and the texts of the page."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from grdf.page.html.catalogue import LANGUAGES, catalogue
from include.sandbox.control import consent_through_browser
from tests.connect.site import Browser
from tests.helpers import holder


def names(account: str, meters: int = 1) -> dict[str, str]:
    who = holder(account, meters)
    return {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}


def begin(browser: Browser, account: str, meters: int = 1, *, path: str = "") -> str:
    answer = browser.post(path or f"/connect/{account}", data=names(account, meters))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def asked(authorize: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(authorize).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "no parameter twice"
    return dict(pairs)


def consent(authorize: str, **choices: Any) -> str:
    return consent_through_browser(authorize, **choices)


def whole(browser: Browser, account: str, meters: int = 1, **choices: Any) -> httpx.Response:
    return browser.get(consent(begin(browser, account, meters), **choices))


@dataclass(frozen=True)
class Said:
    status: int
    title: str
    text: str
    key: str


@cache
def _titles() -> list[tuple[str, re.Pattern[str]]]:
    texts = [each for language in LANGUAGES for each in catalogue(language).items() if each[0].endswith(".title")]
    return [
        (key.removesuffix(".title"), re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(text)))) for key, text in texts
    ]


def said(answer: httpx.Response) -> Said:
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    title = html.unescape(found[1].strip()) if found else ""
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.partition("<main>")[2]))
    key = next((key for key, pattern in _titles() if pattern.fullmatch(title)), "")
    return Said(answer.status_code, title, html.unescape(text), key)


def problem(answer: httpx.Response) -> tuple[int, str]:
    found = said(answer)
    return found.status, found.key.removeprefix("connect.")
