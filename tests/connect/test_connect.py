"""Client Connect: what is sent to GRDF, and what becomes of its answer."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from grdf.page.connect.client_connect import COOKIE, Attempt, challenge_of
from grdf.page.connect.sealing import seal
from include.gas.account.account import Account
from include.gas.documents.doctypes import ACCOUNT
from tests.connect.dance import asked, begin, consent, said, stored_account, whole
from tests.connect.direct import followed, run, told
from tests.connect.links import link_for, path_of
from tests.helpers import holder, known_account

if TYPE_CHECKING:
    import requests

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

pytestmark = pytest.mark.usefixtures("shelf")
BAD = "This answer belongs to nothing that is under way here"


def shown(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, said(answer).title


def back_to(door: Site, **query: str) -> str:
    return f"{door.redirect_uri}?{urlencode(query)}"


def other_of(account: str) -> str:
    return f"other-{80_000 + int(account.rpartition('-')[2])}"


def taken(world: LocalWorld, account: str, **fields: str) -> str:
    """Let another account have a meter, and return its number."""
    (pce,) = known_account(world, other_of(account), fields=fields)
    run(other_of(account))
    return pce


STAYS = {"parcours": "DECLARATION_TIERS"}
"""An access right that a new consent by Client Connect does not end."""


def test_what_grdf_is_asked(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    page = browser.get(f"/connect/{account_id}")
    authorize = json.loads(door.stack.env["AIRFLOW_CONN_GRDF_ADICT"])["extra"]["authorize_url"]
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' http://{urlsplit(authorize).netloc} https://*.grdf.fr;" in policy, (
        "the redirect to GRDF may follow"
    )
    assert page.text.index("By e-mail from GRDF") < page.text.index("On GRDF’s own site"), "as the settings say"
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
    (cookie,) = [value for name, value in answer.headers.items() if name.lower() == "set-cookie"]
    parts = ("grdf_connect_", "httponly", "samesite=lax", "path=/gas/airflow/grdf/callback")
    assert [part for part in parts if part not in cookie.lower()] == []
    assert account_id not in cookie
    assert asked(answer.headers["Location"])["nonce"] not in cookie
    assert "login_hint" not in answer.headers["Location"], "nothing is known of the holder"


@pytest.mark.parametrize(
    "typed",
    [
        {"first_name": "Alix"},
        {"first_name": "Alix", "last_name": "Exemple", "email": "nowhere"},
        {"first_name": '"><script>alert(1)</script>', "last_name": "|", "email": "a@example.org"},
        {"first_name": "A" * 101, "last_name": "Exemple", "email": "a@example.org"},
    ],
)
def test_a_holder_that_cannot_be_told_is_asked_again(door: Site, account_id: str, typed: dict[str, str]) -> None:
    answer = door.browser("op").post(f"/connect/{account_id}", data=typed)
    assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
    assert "<script>alert" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_from_the_button_to_an_account(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser, pces = door.browser("op"), holder(account_id, 2).pces
    answer = whole(browser, account_id, 2, conso_debut="2025-01-01", conso_fin="2027-03-01")
    assert answer.headers["Location"] == f"/gas/airflow/grdf/connect/{account_id}/progress"
    assert said(followed(browser, answer)).title == "GRDF is asked next"
    assert world.control.log()[-1]["path"].endswith("access_token"), "the rest is for the account's run"
    run(account_id)
    assert told(browser, answer)["state"] == "accepted"
    document = stored_account(couchdb, account_id) or {}
    rights = {right["id_pce"]: right["id_droit_acces"] for right in world.control.consents() if right["id_pce"] in pces}
    results = document["oauth_callback_results"]
    assert (document["account_type"], document["oauth"], results["pce_id"]) == ("grdfgrandlyon", {}, pces[0])
    assert {entry["pce"]: entry["id_accreditation"] for entry in results["consents"]} == rights
    assert document["connected"]["by"] == "op"
    assert "token" not in json.dumps(document)
    assert [meter.word for meter in Account.from_document(document).meters] == ["active", "active"]


def test_without_daily_data_the_household_is_told(front: Site, world: LocalWorld, account_id: str) -> None:
    browser, path = front.browser(), path_of(link_for(front, account_id))
    answer = browser.get(consent(begin(browser, account_id, path=path), perimeters=["publiees"]))
    run(account_id)
    assert told(browser, answer)["state"] == "narrow"
    said_next = told(browser, answer)["next"]
    assert "tick the daily data" in said_next
    assert "for a new link" in said_next, "this one has been used"


@pytest.mark.parametrize("pkce", ["required", "unknown"])
def test_whatever_the_server_makes_of_pkce(door: Site, world: LocalWorld, account_id: str, pkce: str) -> None:
    world.control.set(pkce=pkce)
    assert whole(door.browser("op"), account_id).status_code == 303
    # The example in RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_same_answer_in_many_hands_connects_once(door: Site, account_id: str) -> None:
    """GRDF takes a code once."""
    browser = door.browser("op")
    back, cookies = consent(begin(browser, account_id)), browser.cookies.get_dict()

    def take(_: int) -> int:
        other = door.browser("op")
        other.cookies.update(cookies)
        return other.get(back).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(take, range(6))) == [303, 400, 400, 400, 400, 400]


def test_an_answer_that_is_loaded_again(door: Site, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    assert browser.get(back).status_code == 303
    assert shown(browser.get(back)) == (400, BAD), "the cookie has gone"


def test_an_account_is_chosen(door: Site) -> None:
    browser = door.browser("op")
    assert 'value="household-' in browser.get("/connect/").text
    chosen = browser.get("/connect/?account=new-1")
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/gas/airflow/grdf/connect/new-1")
    odd = browser.get("/connect/", params={"account": "../<b>"})
    assert (odd.status_code, "../&lt;b&gt;" in odd.text) == (422, True)


def test_a_consent_is_given_again(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    one, two = known_account(world, account_id, 2)
    run(account_id)
    old = stored_account(couchdb, account_id) or {}
    browser = door.browser("op")
    assert "stays" in said(browser.get(f"/connect/{account_id}")).text
    answer = browser.get(consent(begin(browser, account_id, 2), pces=[one]))
    assert told(browser, answer)["state"] == "declaring"
    run(account_id)
    assert told(browser, answer)["state"] == "accepted"
    new = stored_account(couchdb, account_id) or {}
    before, after = ({meter.pce: meter for meter in Account.from_document(each).meters} for each in (old, new))
    assert {*before[one].own} < {*after[one].own}
    assert after[two] == before[two]


@pytest.mark.parametrize(("change", "says"), [
    ({"leaving": {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r"}}, "it is leaving"),
    ({"account_type": "enedisgrandlyon"}, "is not grdfgrandlyon"),
])  # fmt: skip
def test_one_that_may_not_be_connected(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, change: dict[str, object], says: str
) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    known_account(world, account_id)
    couchdb.put(ACCOUNT, (stored_account(couchdb, account_id) or {}) | change)
    before = stored_account(couchdb, account_id)
    for answer in (browser.get(back), browser.get(f"/connect/{account_id}"), browser.post(f"/connect/{account_id}")):
        assert answer.status_code == 409
        assert says in said(answer).text
    assert stored_account(couchdb, account_id) == before


# ---- a meter of another account --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "household"])
def test_a_meter_that_another_account_has_is_read_once_its_right_has_ended(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, who: str
) -> None:
    pce, path = taken(world, account_id, **STAYS), path_of(link_for(front, account_id)) if who == "household" else ""
    browser, theirs = front.browser() if path else front.browser("op"), stored_account(couchdb, other_of(account_id))
    answer = browser.get(consent(begin(browser, account_id, path=path), pces=[pce]))
    run(account_id)
    page = followed(browser, answer)
    assert said(page).title == ("This meter is already connected" if path else "Another account has this meter")
    assert other_of(account_id) not in page.text
    assert pce not in page.text
    assert stored_account(couchdb, other_of(account_id)) == theirs
    (first,) = [
        right for right in world.control.consents() if right["id_pce"] == pce and right["parcours"] == STAYS["parcours"]
    ]
    world.control.change_consent(first["id_droit_acces"], etat_droit_acces="Révoquée")
    run(account_id)
    assert told(browser, answer)["state"] == "accepted"


def test_whose_consent_is_over_makes_way(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    """The old tenant never came back, and the new consent ends the old one at GRDF."""
    pce, browser = taken(world, account_id), door.browser("op")
    answer = browser.get(consent(begin(browser, account_id), pces=[pce]))
    run(account_id)
    assert told(browser, answer)["state"] == "accepted"
    run(other_of(account_id))
    theirs = Account.from_document(stored_account(couchdb, other_of(account_id)) or {})
    assert (theirs.meters[0].word, theirs.state) == ("over", "USER_ACTION_NEEDED.OAUTH_OUTDATED")


@pytest.mark.parametrize("who", ["operator", "household"])
def test_grdf_cannot_say_whose_the_meter_is(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, who: str
) -> None:
    """What GRDF has given is kept, and the account's run goes on."""
    pce, path = taken(world, account_id), path_of(link_for(front, account_id)) if who == "household" else ""
    browser = front.browser() if path else front.browser("op")
    answer = browser.get(consent(begin(browser, account_id, path=path), pces=[pce]))
    world.control.fault("/droits_acces", status=503, times=None)
    run(account_id)
    assert told(browser, answer)["state"] == "taken"
    world.control.set(faults=[])
    run(account_id)
    assert told(browser, answer)["state"] == "accepted"
    assert "token" not in json.dumps(stored_account(couchdb, account_id))


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_refused_by_the_household(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    told = browser.get(consent(begin(browser, account_id), accept=False))
    assert said(told).title == "No consent was given"
    assert f'href="/gas/airflow/grdf/connect/{account_id}"' in told.text
    assert stored_account(couchdb, account_id) is None


def test_an_error_of_grdf(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    world.control.set(authorize_error="temporarily_unavailable")
    told = browser.get(browser.get(begin(browser, account_id)).headers["Location"])
    assert shown(told) == (502, "GRDF could not finish this")
    assert "temporarily_unavailable" in told.text
    world.control.set(authorize_error="")
    state = asked(begin(browser, account_id))["state"]
    assert "0900" not in browser.get(back_to(door, state=state, error="<b>call 0900 now</b>")).text
    assert said(browser.get(back_to(door, state=state))).title == "GRDF could not finish this", "no code either"


def test_too_late(door: Site, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, attempt, now = door.browser("op"), Attempt(account_id, "grdf_adict"), time.time()
    for ago, is_known in ((3601, False), (3500, True)):
        with monkeypatch.context() as before:
            before.setattr(time, "time", lambda ago=ago: now - ago)
            browser.cookies.set(COOKIE + attempt.state, seal(attempt))
        answer = said(browser.get(back_to(door, state=attempt.state, error="access_denied")))
        assert (answer.title == "No consent was given") is is_known
        assert (answer.title == BAD) is not is_known


def test_in_another_browser_or_by_another_user(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    """Otherwise, an attacker could make another person's browser finish the attempt with the attacker's meter."""
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    assert shown(door.browser("op").get(back)) == (400, BAD)
    other = f"b-{account_id}"
    second, cookies = begin(browser, other, path=""), browser.cookies.get_dict()
    mixed = door.browser("op")
    mixed.cookies.set(COOKIE + asked(second)["state"], cookies[COOKIE + asked(back)["state"]], path="/")
    assert mixed.get(consent(second)).status_code == 400, "the cookie of one attempt is not good for another"
    assert stored_account(couchdb, account_id) is stored_account(couchdb, other) is None
    for token, status in ((door.token("viewer"), 403), ("", 401)):
        browser.cookies.set("_token", token, path="/")
        assert browser.get(back).status_code == status
    browser.cookies.set("_token", door.token("op"), path="/")
    assert browser.get(back).status_code == 303, "nothing was spent by all that"


def test_an_answer_that_is_not_for_us(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = asked(consent(begin(browser, account_id)))
    for state in ("", "nonsense", back["state"][:-2] + "xx", "é", "x" * 10_000):
        assert shown(browser.get(back_to(door, **back | {"state": state}))) == (400, BAD), state
    assert stored_account(couchdb, account_id) is None
    assert browser.get(back_to(door, **back)).status_code == 303, "the right one still counts"


def test_grdf_is_down(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=503)
    told = browser.get(back)
    assert shown(told) == (503, "This does not work at the moment")
    assert "Reload this page" in told.text
    world.control.fault("access_token", status=401, body={"error": "invalid_client"})
    world.control.fault("access_token", status=503, after=True)
    assert browser.get(back).status_code in (500, 503)
    assert stored_account(couchdb, account_id) is None


def test_a_code_that_is_spent(door: Site, world: LocalWorld, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    world.control.fault("access_token", status=503, after=True)
    assert browser.get(back).status_code == 503
    assert shown(browser.get(back)) == (400, "GRDF no longer accepts its own answer")
    assert whole(browser, account_id).status_code == 303, "starting again works"


@pytest.mark.parametrize("claims", [
    {"nonce": "another"}, {"nonce": None}, {"aud": "somebody"}, {"iss": "https://evil.example"}, {"exp": 1},
    {"consentements": "[]"},
])  # fmt: skip
def test_an_id_token_that_cannot_be_believed(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, claims: dict[str, object]
) -> None:
    world.control.set(id_token_claims=claims)
    answer = whole(door.browser("op"), account_id)
    assert answer.status_code == 500
    assert "id_token" in said(answer).text
    assert stored_account(couchdb, account_id) is None


def test_at_another_address_than_grdf_sends_back_to(door: Site, account_id: str) -> None:
    there = door.origin.replace("127.0.0.1", "localhost")
    headers = {"Origin": there, "Host": there.removeprefix("http://")}
    answer = door.browser("op").post(f"/connect/{account_id}", headers=headers)
    assert said(answer).title == "Please open this page at its own address"
    assert f'href="{door.url}/grdf/connect/{account_id}"' in answer.text
    assert "Set-Cookie" not in answer.headers
