"""Client Connect: what is sent to GRDF, and what becomes of its answer."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.connect.client_connect import COOKIE, Attempt, challenge_of
from grdf.page.connect.sealed_texts import seal
from include.gas.account.account import Account
from include.gas.documents.doctypes import ACCOUNT
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import asked, begin, consent, problem, said, whole
from tests.connect.direct import fetch_state, followed, run, stored
from tests.connect.site import Site, token
from tests.helpers import holder, known_account


def back_to(door: Site, **query: str) -> str:
    return f"{door.redirect_uri}?{urlencode(query)}"


def test_what_grdf_is_asked(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    page = browser.get(f"/connect/{account_id}")
    authorize = json.loads(door.env["AIRFLOW_CONN_GRDF_ADICT"])["extra"]["authorize_url"]
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' http://{urlsplit(authorize).netloc} https://*.grdf.fr;" in policy, (
        "the redirect follows"
    )
    address = begin(browser, account_id)
    first, second, who = asked(address), asked(begin(browser, account_id)), holder(account_id)
    secrets = {"state": "", "nonce": "", "code_challenge": ""}
    assert address.partition("?")[0] == world.facts["authorize_url"]
    assert first | secrets == secrets | {
        "response_type": "code",
        "client_id": world.facts["client_id"],
        "scope": "openid",
        "redirect_uri": door.redirect_uri,
        "prompt": "login",
        "code_challenge_method": "S256",
        "login_hint": f"{who.first_name};{who.last_name};{who.email};",
    }
    assert all(first[name] != second[name] and len(first[name]) >= 22 for name in secrets)
    assert account_id not in first["state"]
    answer = door.browser("op").post(f"/connect/{account_id}")
    (cookie,) = [text for name, text in answer.headers.multi_items() if name == "set-cookie" and COOKIE in text]
    parts = ("httponly", "samesite=lax", "path=/gas/airflow/grdf/callback")
    assert [part for part in parts if part not in cookie.lower()] == []
    to_grdf = asked(answer.headers["Location"])
    assert [each for each in (account_id, to_grdf["nonce"]) if each in cookie] == []
    assert "login_hint" not in to_grdf, "nothing is known of the holder"
    # The example in RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_holder_that_cannot_be_told_is_asked_again(door: Site, account_id: str) -> None:
    typed = {"first_name": '"><script>alert(1)</script>', "last_name": "|", "email": "a@example.org"}
    answer = door.browser("op").post(f"/connect/{account_id}", data=typed)
    assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert "<script>alert" not in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("pkce", ["required", "unknown"])
def test_from_the_button_to_an_account(door: Site, world: LocalWorld, account_id: str, pkce: str) -> None:
    world.control.set(pkce=pkce)
    browser, pces = door.browser("op"), holder(account_id, 2).pces
    back = consent(begin(browser, account_id, 2), conso_debut="2025-01-01", conso_fin="2027-03-01")
    answer = browser.get(back.replace("/callback?", "/callback/?") if pkce == "required" else back)
    assert answer.headers["Location"] == f"/gas/airflow/grdf/connect/{account_id}/progress"
    assert world.control.log()[-1]["path"].endswith("access_token"), "the rest is for the account's run"
    assert problem(browser.get(back)) == (400, "other_browser"), "the cookie has gone"
    assert fetch_state(browser, answer)["state"] == "declaring"
    run(account_id)
    assert fetch_state(browser, answer)["state"] == "accepted"
    document = stored(account_id) or {}
    rights = {right["id_pce"]: right["id_droit_acces"] for right in world.control.consents() if right["id_pce"] in pces}
    results = document["oauth_callback_results"]
    assert (document["account_type"], document["oauth"], results["pce_id"]) == ("grdfgrandlyon", {}, pces[0])
    assert {entry["pce"]: entry["id_accreditation"] for entry in results["consents"]} == rights
    assert document["connected"]["by"] == "op"
    assert "token" not in json.dumps(document)
    assert [meter.word for meter in Account.from_document(document).meters] == ["active", "active"]


def test_an_account_is_chosen(door: Site) -> None:
    browser = door.browser("op")
    assert 'value="household-' in browser.get("/connect/").text
    chosen = browser.get("/connect/?account=new-1")
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/gas/airflow/grdf/connect/new-1")
    odd = browser.get("/connect/", params={"account": "../<b>"})
    assert (odd.status_code, "../&lt;b&gt;" in odd.text) == (422, True)


@pytest.mark.parametrize("change", [
    {"leaving": {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r"}}, {"account_type": "enedisgrandlyon"},
], ids=str)  # fmt: skip
def test_one_that_may_not_be_connected(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, change: dict[str, object]
) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    known_account(world, account_id)
    couchdb.put(ACCOUNT, (stored(account_id) or {}) | change)
    before = stored(account_id)
    for answer in (browser.get(back), browser.get(f"/connect/{account_id}"), browser.post(f"/connect/{account_id}")):
        assert (answer.status_code, account_id in said(answer).text) == (409, True)
    assert stored(account_id) == before


def test_a_household_is_not_told_who_has_its_meter(front: Site, world: LocalWorld, account_id: str) -> None:
    other = f"other-{80_000 + int(account_id.rpartition('-')[2])}"
    (pce,) = known_account(world, other, fields={"parcours": "DECLARATION_TIERS"})
    run(other)
    browser, path = front.browser(), front.link_to(account_id)
    answer = browser.get(consent(begin(browser, account_id, path=path), pces=[pce]))
    run(account_id)
    page = followed(browser, answer)
    assert said(page).key == "progress.taken.household"
    assert [each for each in (other, pce) if each in page.text] == []


def test_refused_by_the_household_or_by_grdf(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    refused = browser.get(consent(begin(browser, account_id), accept=False))
    assert problem(refused) == (200, "refused")
    assert f'href="/gas/airflow/grdf/connect/{account_id}"' in refused.text
    world.control.set(authorize_error="temporarily_unavailable")
    # GRDF's stand-in answers the browser itself
    failed = browser.get(_at_grdf(begin(browser, account_id)))
    assert (*problem(failed), "temporarily_unavailable" in failed.text) == (502, "grdf_error", True)
    world.control.set(authorize_error="")
    state = asked(begin(browser, account_id))["state"]
    for query in ({"error": "<b>call 0900 now</b>"}, {}):
        answer = browser.get(back_to(door, state=state, **query))
        assert (*problem(answer), "0900" in answer.text) == (502, "grdf_error", False)
    assert stored(account_id) is None


def _at_grdf(address: str) -> str:
    import requests

    return requests.get(address, allow_redirects=False, timeout=60).headers["Location"]


def test_what_belongs_to_no_attempt_of_this_browser(
    door: Site, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, an attacker could make another person's browser finish the attempt with the attacker's meter."""
    bad, browser = (400, "other_browser"), door.browser("op")
    back = consent(begin(browser, account_id))
    assert problem(door.browser("op").get(back)) == bad
    other = f"b-{account_id}"
    second, cookies = begin(browser, other), dict(browser.cookies)
    mixed = door.browser("op")
    mixed.cookies.set(COOKIE + asked(second)["state"], cookies[COOKIE + asked(back)["state"]], path="/")
    assert problem(mixed.get(consent(second)))[0] == 400, "the cookie of one attempt is not good for another"
    query = asked(back)
    for state in ("", "nonsense", query["state"][:-2] + "xx", "é", "x" * 10_000):
        assert problem(browser.get(back_to(door, **query | {"state": state}))) == bad, state
    attempt, now = Attempt(account_id, "grdf_adict"), time.time()
    for ago, key in ((3601, "other_browser"), (3500, "refused")):
        with monkeypatch.context() as before:
            before.setattr(time, "time", lambda ago=ago: now - ago)
            late = seal(attempt)
        browser.cookies.set(COOKIE + attempt.state, late)
        assert problem(browser.get(back_to(door, state=attempt.state, error="access_denied")))[1] == key
    assert stored(account_id) is stored(other) is None
    for user, status in ((token("viewer"), 403), ("", 401), (token("op"), 303)):
        browser.cookies.set("_token", user, path="/")
        assert browser.get(back).status_code == status, "nothing was spent by all that"


def test_grdf_is_down_or_has_lost_its_answer(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=503)
    assert problem(browser.get(back)) == (503, "down")
    world.control.fault("access_token", status=401, body={"error": "invalid_client"})
    assert browser.get(back).status_code in (500, 503)
    world.control.fault("access_token", status=503, after=True)
    assert problem(browser.get(back)) == (503, "down")
    assert problem(browser.get(back)) == (400, "code_refused"), "it has taken the code"
    world.control.set(id_token_claims={"nonce": "another"})
    answer = whole(browser, account_id)
    assert (answer.status_code, "id_token" in said(answer).text) == (500, True)
    assert stored(account_id) is None
    world.control.set(id_token_claims={})
    assert whole(browser, account_id).status_code == 303, "starting again works"


def test_at_another_address_than_grdf_sends_back_to(door: Site, account_id: str) -> None:
    headers = {"Origin": "http://localhost:18080", "Host": "localhost:18080"}
    answer: Any = door.browser("op").post(f"/connect/{account_id}", headers=headers)
    assert problem(answer) == (409, "other_address")
    assert f'href="{door.url}/grdf/connect/{account_id}"' in answer.text
    assert "Set-Cookie" not in answer.headers
