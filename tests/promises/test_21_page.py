"""Promise 21: each visitor sees what they may, and a link is good for its household alone (more: ``tests/browser``)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from tests.promises import stack_adapter as product
from tests.promises.adapter.ways_in import forms
from tests.promises.departures import agree, fill_in, form_with, link_of
from tests.promises.stack import ADMIN, COZY, NEIGHBOUR, PEOPLE, STAYER, Browser, Stack, dag_of, wait

LINK = re.compile(r'(?:href|src|action)="([^"]+)"')
STRANGE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
CLOSED = (401, 403, 404)


def visited(browser: Browser) -> dict[str, requests.Response]:
    waiting, seen = ["/grdf/"], {}
    kinds: dict[str, int] = {}
    while waiting and len(seen) < 40:
        path = waiting.pop(0)
        seen[path] = browser.get(path)
        for link in LINK.findall(seen[path].text):
            parts = urlsplit(urljoin(urljoin(browser.url, path), link.replace("&amp;", "&")))
            found = parts.path + (f"?{parts.query}" if parts.query else "")
            kind = re.sub(r"promise-[\w-]+|\d+", "*", parts.path)
            if parts.path.startswith("/grdf/") and found not in (*seen, *waiting) and kinds.get(kind, 0) < 2:
                kinds[kind] = kinds.get(kind, 0) + 1
                waiting.append(found)
    return seen


@pytest.fixture(scope="session")
def pages(stack: Stack) -> dict[str, requests.Response]:
    for account in (COZY, STAYER):
        stack.first_run(account)
    found = visited(stack.browser(ADMIN))
    assert len([path for path in found if "/static/" not in path]) > 5
    assert any("promise-" in path for path in found)
    return found


def test_who_is_not_logged_in_sees_nothing(stack: Stack, pages: dict[str, requests.Response]) -> None:
    visitor = stack.browser()
    for path, seen in pages.items():
        if "/static/" in path or seen.status_code >= 400:
            continue
        answer = visitor.get(path)
        assert answer.status_code in CLOSED or "login" in answer.headers.get("Location", ""), path
        assert "promise-" not in re.sub(r'"[^"]*"', "", answer.text).replace(path, ""), path


def test_each_page_has_a_policy_and_no_script_of_its_own(pages: dict[str, requests.Response]) -> None:
    for path, answer in pages.items():
        if "text/html" in answer.headers.get("Content-Type", ""):
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src" in policy, path
            assert "unsafe-inline" not in policy, path
            assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text) == [], path
            assert re.findall(r"\son\w+=", re.sub(r">[^<]*<", "><", answer.text)) == [], path


def test_no_other_site_can_send_a_form(stack: Stack, pages: dict[str, requests.Response]) -> None:
    before = {each["_id"]: each["_rev"] for each in stack.documents("io-cozy-accounts", "promise-forged")}
    browser = stack.browser(ADMIN)
    sent = 0
    for path, answer in pages.items():
        for form in forms(answer.text):
            if form.method == "post":
                refused = browser.post(urljoin(path, form.action), data=form.fields, headers=STRANGE)
                assert refused.status_code in (400, 403), f"{path} {form.action} {refused.status_code}"
                sent += 1
    made = browser.post("/grdf/connect/promise-forged/link", headers=STRANGE)
    assert sent > 1
    assert made.status_code in (400, 403)
    assert before == {each["_id"]: each["_rev"] for each in stack.documents("io-cozy-accounts", "promise-forged")}


def test_rights_on_a_dag_are_rights_on_its_account(stack: Stack, pages: dict[str, requests.Response]) -> None:
    wait(lambda: stack.has_dag(dag_of(COZY)), "another account's DAG")
    neighbour = stack.browser(NEIGHBOUR)
    own = neighbour.get(f"/grdf/accounts/{STAYER}")
    assert own.status_code == 200
    assert STAYER in own.text
    for path in pages:
        answer = neighbour.get(path)
        shown = set(re.findall(r"promise-[a-z-]+", answer.text)) - {STAYER}
        assert shown <= set(re.findall(r"promise-[a-z-]+", path)), f"{path} {shown}"
    assert neighbour.get(f"/grdf/accounts/{COZY}").status_code in CLOSED
    assert neighbour.get(f"/grdf/connect/{STAYER}").status_code in CLOSED
    assert neighbour.post(f"/grdf/connect/{STAYER}/link").status_code in CLOSED


def test_french_and_english(stack: Stack, pages: dict[str, requests.Response]) -> None:
    browser = stack.browser(ADMIN, language="fr")
    compared = 0
    for path, english in pages.items():
        if "text/html" in english.headers.get("Content-Type", "") and english.status_code == 200:
            french = browser.get(path)
            assert '<html lang="en"' in english.text, path
            assert '<html lang="fr"' in french.text, path
            headings = [re.findall(r"<h[12][^>]*>(.*?)</h[12]>", each.text, re.DOTALL) for each in (english, french)]
            assert headings[0] != headings[1] or all("promise-" in each for each in headings[0]), path
            compared += 1
    assert compared > 4


def test_a_link_is_good_for_its_household_once(stack: Stack) -> None:
    who, other = product.person(95, "promise-linked"), PEOPLE[STAYER]
    link, browser = link_of(stack, who.account), stack.browser()
    (token,) = parse_qs(urlsplit(link).query)["token"]
    assert who.account not in link
    for path in ("/grdf/", f"/grdf/accounts/{who.account}", f"/grdf/connect/{who.account}"):
        assert stack.browser().get(f"{path}?token={token}").status_code in CLOSED
    for wrong in (token[:-6] + "AAAAAA", token[2:], ""):
        assert browser.get(link.replace(token, wrong)).status_code in CLOSED
    stack.first_run(STAYER)
    stolen = agree(browser, fill_in(browser, link, other))
    wait(lambda: 'data-state="taken"' in browser.get(stolen.headers["Location"]).text, "refusal of another's meter")
    assert len(stack.rights(other)) == 1
    sent = agree(browser, fill_in(browser, link, who))
    assert sent.status_code == 303, sent.text[-2000:]
    stack.ran("grdf_waiting_rights")
    assert len(stack.rights(who)) == 1
    account = stack.account(who.account)
    assert account["_id"] == who.account
    again = stack.browser().get(link)
    assert again.status_code != 200
    assert not any(word in again.text for word in who.personal)


def test_a_link_is_good_for_a_handful_of_tries(stack: Stack) -> None:
    who = product.person(96, "promise-tried")
    link = link_of(stack, who.account)
    since = stack.grdf.log()[-1]["n"]
    answers = []
    for number in range(product.TRIES * 3):
        browser = stack.browser()
        page = browser.get(link)
        if page.status_code != 200:
            answers.append(page.status_code)
            continue
        form = form_with(page, "last_name")
        names = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}
        begun = browser.post(form.action, data=form.fields | form.boxes | names)
        if begun.status_code == 303:
            state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
            begun = browser.get("/grdf/callback", params={"state": state, "code": f"guess-{number}"})
        answers.append(begun.status_code)
    asked = [call for call in stack.grdf.log(since) if "access_token" in call["path"] and call["status"] != 200]
    assert len(asked) <= product.TRIES
    assert all(400 <= status < 500 for status in answers[product.TRIES :])
    assert stack.account(who.account) == {}
