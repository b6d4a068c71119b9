"""Client Connect: the consent page, both grants, the id_token."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import jwt
import pytest
import requests
from jwt.utils import base64url_encode

from include.sandbox.control import ControlRefused, consent_through_browser


@pytest.fixture(autouse=True)
def usual_settings(adict: Any) -> Any:
    yield
    adict.control.set(
        pkce="known",
        authorize_error=None,
        id_token_alg="HS256",
        id_token_claims={},
        code_lifetime_s=60,
        redirect_uris=[],
        token_lifetime_s=14399,
    )


def claims_of(adict: Any, id_token: str) -> dict[str, Any]:
    return jwt.decode(
        id_token,
        adict.facts["client_secret"],
        algorithms=["HS256"],
        audience=adict.facts["client_id"],
        issuer=adict.facts["issuer"],
    )


def test_whole_dance_gives_meters_and_a_token_too_narrow_for_data(adict):
    callback = adict.consent()
    assert callback["state"] == "the state"
    assert callback["iss"] == adict.facts["issuer"]
    assert callback["client_id"] == adict.facts["client_id"]
    answer = adict.exchange(callback["code"])
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "scope", "id_token", "token_type", "expires_in"}
    assert (body["scope"], body["token_type"], body["expires_in"]) == ("openid", "Bearer", 14399)
    claims = claims_of(adict, body["id_token"])
    assert claims["nonce"] == "the-nonce"
    assert claims["aud"] == claims["azp"] == adict.facts["client_id"]
    assert claims["exp"] - claims["iat"] == 3600
    assert {"sub", "auth_time", "acr", "at_hash", "c_hash", "realm", "tokenName", "tokenType"} <= set(claims)
    digest = jwt.get_algorithm_by_name("HS256").compute_hash_digest(callback["code"].encode())
    assert claims["c_hash"] == base64url_encode(digest[:16]).decode()
    consents = json.loads(claims["consentements"])
    assert [entry["pce"] for entry in consents] == ["09999990000042", "GI999042"]
    rights = {right["id_droit_acces"]: right for right in adict.control.consents()}
    assert all(rights[entry["id_accreditation"]]["etat_droit_acces"] == "Active" for entry in consents)
    refused = adict.daily("GI999042", "2026-06-01", "2026-06-10", body["access_token"])
    assert refused.status_code == 403


def test_no_nonce_sent_means_no_nonce_claim(adict):
    code = adict.consent(adict.connect_query(nonce=None))["code"]
    assert "nonce" not in claims_of(adict, adict.exchange(code).json()["id_token"])


def test_code_works_once_and_its_second_use_ends_the_token(adict):
    code = adict.consent()["code"]
    token = adict.exchange(code).json()["access_token"]
    assert adict.call("GET", "/droits_acces", token).status_code == 403
    again = adict.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert adict.call("GET", "/droits_acces", token).status_code == 401


def test_code_ends_after_its_lifetime(adict):
    code = adict.consent()["code"]
    before = adict.control.now()
    adict.control.set_clock(before + timedelta(seconds=61))
    assert adict.exchange(code).json()["error"] == "invalid_grant"
    adict.control.set_clock(before)


def test_code_is_bound_to_its_redirect_uri(adict):
    adict.control.set(redirect_uris=["http://127.0.0.1:9/other"])
    code = adict.consent()["code"]
    assert adict.exchange(code, redirect_uri="http://127.0.0.1:9/other").json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"scope": "/adict/v1"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "never-given"}, 400, "invalid_grant"),
    ],
)
def test_token_endpoint_refuses_in_the_words_of_rfc_6749(adict, fields, status, error):
    answer = adict.post_token(**{"grant_type": "client_credentials", "scope": "/adict/v2"} | fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_basic_authentication_is_not_taken(adict):
    answer = requests.post(
        adict.facts["token_url"],
        auth=(adict.facts["client_id"], adict.facts["client_secret"]),
        data={"grant_type": "client_credentials", "scope": "/adict/v2"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_delete_client_has_no_code_grant(adict):
    identity = {name: adict.facts[f"delete_{name}"] for name in ("client_id", "client_secret")}
    assert adict.exchange("x", **identity).json()["error"] == "unauthorized_client"


def test_data_token_answer(adict):
    adict.control.set(token_lifetime_s=100)
    body = adict.post_token(grant_type="client_credentials", scope="/adict/v2").json()
    assert set(body) == {"access_token", "scope", "token_type", "expires_in"}
    assert body["scope"].split(" ")[0] == "/adict/v2"
    assert len(body["scope"].split(" ")) == 3
    assert body["expires_in"] == 100
    assert adict.call("GET", "/droits_acces", body["access_token"]).status_code == 200
    before = adict.control.now()
    adict.control.set_clock(before + timedelta(seconds=101))
    assert adict.call("GET", "/droits_acces", body["access_token"]).status_code == 401
    adict.control.set_clock(before)


def test_holder_refuses(adict):
    rights = len(adict.control.consents())
    callback = adict.consent(accept=False)
    assert callback["error"] == "access_denied"
    assert callback["state"] == "the state"
    assert "code" not in callback
    assert len(adict.control.consents()) == rights


@pytest.mark.parametrize(
    "change",
    [{"client_id": "nobody"}, {"client_id": None}, {"redirect_uri": "http://evil.example/"}, {"redirect_uri": None}],
)
def test_unknown_caller_is_told_on_the_page_and_never_redirected(adict, change):
    answer = requests.get(
        adict.facts["authorize_url"], params=adict.connect_query(**change), allow_redirects=False, timeout=10
    )
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "text/html" in answer.headers["Content-Type"]


def test_redirect_uri_must_be_exact(adict):
    query = adict.connect_query(redirect_uri=adict.facts["redirect_uri"] + "/")
    assert requests.get(adict.facts["authorize_url"], params=query, timeout=10).status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_wrong_request_of_a_known_caller_goes_back_to_it(adict, change, error):
    answer = requests.get(
        adict.facts["authorize_url"], params=adict.connect_query(**change), allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(adict.facts["redirect_uri"])
    assert f"error={error}" in answer.headers["Location"]


@pytest.mark.parametrize(
    "choices",
    [
        {"pces": []},
        {"pces": ["12345678901234"]},
        {"perimeters": []},
        {"conso_debut": "2026-13-01"},
        {"conso_debut": "2026-05-02", "conso_fin": "2026-05-01"},
    ],
)
def test_page_says_what_is_wrong_with_an_answer(adict, choices):
    with pytest.raises(ControlRefused, match=r"422: ."):
        consent_through_browser(adict.facts["authorize_url"], adict.connect_query(), **choices)


def test_choices_become_the_terms_of_the_right(adict):
    adict.consent(
        pces=["GI999042", "09999991234567"],
        perimeters=["informatives"],
        conso_debut="2025-01-01",
        conso_fin="2027-01-01",
    )
    right = adict.control.consents()[-1]
    assert right["id_pce"] == "09999991234567"
    assert (right["perim_donnees_informatives"], right["perim_donnees_publiees"]) == ("Vrai", "Faux")
    assert (right["perim_donnees_conso_debut"], right["perim_donnees_conso_fin"]) == ("2025-01-01", "2027-01-01")
    assert right["parcours"] == "CLIENT_CONNECT"


def test_new_consent_makes_the_old_one_obsolete(adict):
    adict.consent(pces=["GI999042"])
    adict.consent(pces=["GI999042"])
    states = [right["etat_droit_acces"] for right in adict.control.consents() if right["id_pce"] == "GI999042"]
    assert states[-2:] == ["Obsolète", "Active"]


def test_fleet_holders_and_old_separator(adict):
    code = adict.consent(adict.connect_query(login_hint="A|B|foyer-0000007-2@example.org|T"))["code"]
    consents = json.loads(claims_of(adict, adict.exchange(code).json()["id_token"])["consentements"])
    assert [entry["pce"] for entry in consents] == ["09999990000007", "09999990000008"]


def test_without_hint_one_chooses_who_one_is(adict):
    page = requests.get(adict.facts["authorize_url"], params=adict.connect_query(login_hint=None), timeout=10)
    assert page.status_code == 200
    assert "Camille Exemple" in page.text
    assert 'name="state" value="the state"' in page.text


def pkce(adict: Any, **change: Any) -> dict[str, str]:
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
    return adict.connect_query(**{"code_challenge": challenge, "code_challenge_method": "S256"} | change)


def test_pkce_binds_a_code_to_its_verifier(adict):
    right = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert adict.exchange(adict.consent(pkce(adict))["code"], code_verifier=right).status_code == 200
    for wrong, error in ((right[:-1] + "x", "invalid_grant"), (None, "invalid_request")):
        answer = adict.exchange(adict.consent(pkce(adict))["code"], **({"code_verifier": wrong} if wrong else {}))
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    answer = adict.exchange(adict.consent()["code"], code_verifier=right)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_pkce_may_be_asked_for_or_passed_over(adict):
    adict.control.set(pkce="required")
    answer = requests.get(adict.facts["authorize_url"], params=adict.connect_query(), allow_redirects=False, timeout=10)
    assert "error=invalid_request" in answer.headers["Location"]
    adict.control.set(pkce="unknown")
    assert adict.exchange(adict.consent(pkce(adict))["code"]).status_code == 200


def test_an_error_can_be_ordered(adict):
    adict.control.set(authorize_error="temporarily_unavailable")
    answer = requests.get(adict.facts["authorize_url"], params=adict.connect_query(), allow_redirects=False, timeout=10)
    assert answer.headers["Location"].startswith(adict.facts["redirect_uri"])
    assert "error=temporarily_unavailable" in answer.headers["Location"]
    assert "state=the" in answer.headers["Location"]


class Labels(HTMLParser):
    """A parser that collects inputs without a label, and the page's language."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: set[str] = set()
        self.labelled: set[str] = set()
        self.lang = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("type") != "hidden":
            self.inputs.add(values.get("id") or "none")
        if tag == "label":
            self.labelled.add(values.get("for") or "")
        if tag == "html":
            self.lang = values.get("lang") or ""


def test_page_is_labelled_and_escapes_what_it_is_told(adict):
    query = adict.connect_query(login_hint="<b>Eve</b>;X;eve@example.org;T")
    page = requests.get(adict.facts["authorize_url"], params=query, timeout=10)
    labels = Labels()
    labels.feed(page.text)
    assert labels.inputs == labels.labelled
    assert labels.lang == "fr"
    assert "<b>Eve" not in page.text


def test_rs256_verifies_with_the_published_key_only(adict):
    adict.control.set(id_token_alg="RS256")
    token = adict.exchange(adict.consent()["code"]).json()["id_token"]
    keys = requests.get(adict.facts["jwks_url"], timeout=10).json()["keys"]
    assert not {"d", "p", "q"} & set(keys[0])
    assert jwt.get_unverified_header(token)["kid"] == keys[0]["kid"]
    key = jwt.PyJWK(keys[0])
    claims = jwt.decode(
        token, key, algorithms=["RS256"], audience=adict.facts["client_id"], issuer=adict.facts["issuer"]
    )
    assert claims["nonce"] == "the-nonce"
    with pytest.raises(jwt.InvalidTokenError):
        claims_of(adict, token)


def test_claims_can_be_ordered_for_tests_of_refusals(adict):
    adict.control.set(id_token_claims={"iss": "https://evil.example", "nonce": None})
    token = adict.exchange(adict.consent()["code"]).json()["id_token"]
    with pytest.raises(jwt.InvalidIssuerError):
        claims_of(adict, token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert "nonce" not in claims


def test_a_browser_stays_with_the_holder_who_was_there_before_unless_a_login_is_asked_for(adict):
    """On a shared computer, the second household would otherwise consent for the first one's meters."""
    browser = requests.Session()
    adict.consent(session=browser)
    other = "Alix;Exemple;foyer-31@example.org;TIERS"
    offered = {
        prompt: browser.get(
            adict.facts["authorize_url"], params=adict.connect_query(login_hint=other, prompt=prompt), timeout=10
        ).text
        for prompt in (None, "login", "consent login")
    }
    assert ("09999990000042" in offered[None], "09999990000031" in offered[None]) == (True, False)
    for prompt in ("login", "consent login"):
        assert ("09999990000042" in offered[prompt], "09999990000031" in offered[prompt]) == (False, True)
