"""An operator connects a household: what is sent to GRDF, what is stored, and what is shown."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from grdf.page.connect.attempt import challenge_of
from include.gas.documents.gas_days import dag_id
from tests.connect.dance import asked, begin, consent, said, stored_account, whole
from tests.connect.site import Site
from tests.helpers import holder

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_the_page_says_what_will_be_asked(door: Site, account_id: str) -> None:
    browser = door.browser("op")
    page = browser.get(f"/connect/{account_id}")
    assert said(page).title == f"Connect account {account_id}"
    assert "daily data" in page.text
    french = said(browser.get(f"/connect/{account_id}", headers={"Accept-Language": "fr"}))
    assert french.title == f"Connecter le compte {account_id}"
    authorize = json.loads(door.stack.env["AIRFLOW_CONN_GRDF_ADICT"])["extra"]["authorize_url"]
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' http://{urlsplit(authorize).netloc};" in policy, "the redirect to GRDF may follow"


def test_what_grdf_is_asked(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    address = begin(browser, account_id)
    assert address.partition("?")[0] == world.facts["authorize_url"]
    first, second = asked(address), asked(begin(browser, account_id))
    who = holder(account_id)
    assert first | {"state": "", "nonce": "", "code_challenge": ""} == {
        "response_type": "code",
        "client_id": world.facts["client_id"],
        "scope": "openid",
        "redirect_uri": door.redirect_uri,
        "state": "",
        "nonce": "",
        "prompt": "login",
        "code_challenge": "",
        "code_challenge_method": "S256",
        "login_hint": f"{who.first_name};{who.last_name};{who.email};",
    }
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 22
    assert account_id not in first["state"]


def test_the_browser_keeps_what_nobody_else_can_read(door: Site, account_id: str) -> None:
    answer = door.browser("op").post(f"/connect/{account_id}")
    (cookie,) = [value for name, value in answer.headers.items() if name.lower() == "set-cookie"]
    assert cookie.startswith("grdf_connect_")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "path=/gas/airflow/grdf/callback" in cookie.lower()
    assert account_id not in cookie
    assert asked(answer.headers["Location"])["nonce"] not in cookie
    assert "login_hint" not in answer.headers["Location"], "nothing is known of the holder"


@pytest.mark.parametrize(
    "typed",
    [
        {"first_name": "Alix"},
        {"first_name": "Alix", "last_name": "Exemple", "email": "nowhere"},
        {"first_name": "Al;ix", "last_name": "Exemple", "email": "a@example.org"},
        {"first_name": '"><script>alert(1)</script>', "last_name": "|", "email": "a@example.org"},
        {"first_name": "A" * 101, "last_name": "Exemple", "email": "a@example.org"},
    ],
)
def test_a_holder_that_cannot_be_told_is_asked_again(door: Site, account_id: str, typed: dict[str, str]) -> None:
    answer = door.browser("op").post(f"/connect/{account_id}", data=typed)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<script>alert" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_from_the_button_to_an_account(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    page = whole(browser, account_id, 2)
    told = said(page)
    assert (told.status, told.title) == (200, f"Account {account_id} is connected")
    pces = holder(account_id, 2).pces
    assert all(f"Meter {pce}" in told.text for pce in pces)
    assert "daily consumption" in told.text
    assert "Gas days from" in told.text
    assert "The consent is valid until" in told.text
    assert "appears in Airflow within about a minute" in told.text
    assert f"/gas/airflow/dags/{dag_id(account_id)}" in page.text

    document = stored_account(couchdb, account_id)
    assert document is not None
    rights = {right["id_pce"]: right for right in world.control.consents() if right["id_pce"] in pces}
    assert document["account_type"] == "grdfgrandlyon"
    assert document["oauth"] == {}
    results = document["oauth_callback_results"]
    assert results["pce_id"] == pces[0]
    assert [(entry["pce"], entry["id_accreditation"]) for entry in results["consents"]] == [
        (pce, rights[pce]["id_droit_acces"]) for pce in pces
    ]
    assert results["consents"][0]["first"] == rights[pces[0]]["perim_donnees_conso_debut"]
    assert document["connected"]["by"] == "op"
    assert "token" not in json.dumps(document)


def test_what_was_agreed_to_in_words(door: Site, account_id: str) -> None:
    page = whole(
        door.browser("op"),
        account_id,
        perimeters=["informatives", "contractuelles"],
        conso_debut="2025-01-01",
        conso_fin="2027-03-01",
    )
    text = said(page).text
    assert "daily consumption" in text
    assert "contract: tariff" in text
    assert "billed consumption" not in text
    assert "technical data of the meter" not in text
    assert "Gas days from 1 Jan 2025 to 1 Mar 2027" in text


def test_without_daily_data_the_household_is_told(door: Site, account_id: str) -> None:
    text = said(whole(door.browser("op"), account_id, perimeters=["publiees"])).text
    assert "tick the daily data" in text


@pytest.mark.parametrize("pkce", ["required", "known", "unknown"])
def test_whatever_the_server_makes_of_pkce(door: Site, world: LocalWorld, account_id: str, pkce: str) -> None:
    world.control.set(pkce=pkce)
    assert said(whole(door.browser("op"), account_id)).status == 200


def test_the_challenge_is_the_one_of_the_standard() -> None:
    """This is the example in RFC 7636, appendix B."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_same_answer_in_many_hands_connects_once(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    cookies = browser.cookies.get_dict()

    def take(_: int) -> int:
        other = door.browser("op")
        other.cookies.update(cookies)
        return other.get(back).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, range(6))) == [200, 409, 409, 409, 409, 409]
    document = stored_account(couchdb, account_id)
    assert document is not None
    assert document["_rev"].startswith("1-")


def test_inside_airflows_frame_it_leads_out(door: Site, account_id: str) -> None:
    answer = door.browser("op").get(f"/connect/{account_id}", headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.status_code == 200
    assert "Continue to GRDF" not in answer.text
    assert f'href="{door.url}/grdf/connect/{account_id}"' in answer.text
    assert f'action="/gas/airflow/grdf/connect/{account_id}/direct"' in answer.text, "this way stays inside"


def test_an_account_is_chosen(door: Site) -> None:
    browser = door.browser("op")
    page = browser.get("/connect/")
    assert page.status_code == 200
    assert 'value="household-' in page.text
    chosen = browser.get("/connect/?account=new-1")
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/gas/airflow/grdf/connect/new-1")
    odd = browser.get("/connect/", params={"account": "../<b>"})
    assert odd.status_code == 422
    assert "../&lt;b&gt;" in odd.text
