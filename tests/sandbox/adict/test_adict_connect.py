"""Client Connect: the consent page, both grants, the id_token."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests

pytestmark = pytest.mark.usefixtures("reset")
DATA_GRANT = {"grant_type": "client_credentials", "scope": "/adict/v2"}
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""RFC 7636, appendix B."""


def claims_of(adict: Any, id_token: str, key: Any = None, alg: str = "HS256") -> dict[str, Any]:
    client, issuer = adict.facts["client_id"], adict.facts["issuer"]
    key = key or adict.facts["client_secret"]
    return jwt.decode(id_token, key, algorithms=[alg], audience=client, issuer=issuer)


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def test_whole_dance_gives_meters_and_a_token_too_narrow_for_data(adict):
    callback = adict.consent()
    assert callback["state"] == "the state"
    assert (callback["iss"], callback["client_id"]) == (adict.facts["issuer"], adict.facts["client_id"])
    body = adict.exchange(callback["code"]).json()
    assert set(body) == {"access_token", "scope", "id_token", "token_type", "expires_in"}
    assert (body["scope"], body["token_type"], body["expires_in"]) == ("openid", "Bearer", 14399)
    claims = claims_of(adict, body["id_token"])
    assert claims["nonce"] == "the-nonce"
    assert claims["aud"] == claims["azp"] == adict.facts["client_id"]
    assert claims["exp"] - claims["iat"] == 3600
    assert {"sub", "auth_time", "acr", "at_hash", "realm", "tokenName", "tokenType"} <= set(claims)
    consents = json.loads(claims["consentements"])
    assert [entry["pce"] for entry in consents] == ["09999990000042", "GI999042"]
    rights = {right["id_droit_acces"]: right for right in adict.control.consents()}
    assert all(rights[entry["id_accreditation"]]["etat_droit_acces"] == "Active" for entry in consents)
    assert adict.daily("GI999042", "2026-06-01", "2026-06-10", body["access_token"]).status_code == 403
    code = adict.consent(adict.connect_query(nonce=None))["code"]
    assert "nonce" not in claims_of(adict, adict.exchange(code).json()["id_token"])


def test_a_code_works_once_for_a_minute_for_its_redirect_uri(adict):
    code = adict.consent()["code"]
    token = adict.exchange(code).json()["access_token"]
    assert adict.call("GET", "/droits_acces", token).status_code == 403
    assert told(adict.exchange(code)) == (400, "invalid_grant")
    assert adict.call("GET", "/droits_acces", token).status_code == 401, "its second use ends the token"
    adict.control.set(redirect_uris=["http://127.0.0.1:9/other"])
    moved = adict.exchange(adict.consent()["code"], redirect_uri="http://127.0.0.1:9/other")
    assert told(moved) == (400, "invalid_grant")
    code = adict.consent()["code"]
    adict.control.set_clock(adict.control.now() + timedelta(seconds=61))
    assert told(adict.exchange(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"scope": "/adict/v1"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "never-given"}, 400, "invalid_grant"),
    ],
)
def test_token_endpoint_refuses_in_the_words_of_rfc_6749(adict, fields, status, error):
    answer = adict.post_token(**DATA_GRANT | fields)
    assert told(answer) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_data_token(adict):
    adict.control.set(token_lifetime_s=100)
    body = adict.post_token(**DATA_GRANT).json()
    assert set(body) == {"access_token", "scope", "token_type", "expires_in"}
    assert (body["scope"].split(" ")[0], len(body["scope"].split(" "))) == ("/adict/v2", 3)
    assert body["expires_in"] == 100
    assert adict.call("GET", "/droits_acces", body["access_token"]).status_code == 200
    adict.control.set_clock(adict.control.now() + timedelta(seconds=101))
    assert adict.call("GET", "/droits_acces", body["access_token"]).status_code == 401


def test_holder_refuses(adict):
    callback = adict.consent(accept=False)
    assert (callback["error"], callback["state"], "code" in callback) == ("access_denied", "the state", False)


@pytest.mark.parametrize(
    "change",
    [{"client_id": "nobody"}, {"client_id": None}, {"redirect_uri": "http://evil.example/"}, {"redirect_uri": None}],
)
def test_unknown_caller_is_told_on_the_page_and_never_redirected(adict, change):
    answer = adict.authorize(**change)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "text/html" in answer.headers["Content-Type"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"state": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({}, "temporarily_unavailable"),  # as ordered
    ],
)
def test_wrong_request_of_a_known_caller_goes_back_to_it(adict, change, error):
    adict.control.set(authorize_error=None if change else error)
    answer = adict.authorize(**change)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(adict.facts["redirect_uri"])
    assert f"error={error}" in answer.headers["Location"]


def test_choices_become_the_terms_of_a_right_and_the_former_is_obsolete(adict):
    for first in ("2024-01-01", "2025-01-01"):
        adict.consent(pces=["09999991234567"], perimeters=["informatives"], conso_debut=first, conso_fin="2027-01-01")
    old, right = adict.control.consents()[-2:]
    assert (old["etat_droit_acces"], right["etat_droit_acces"]) == ("Obsolète", "Active")
    assert (right["id_pce"], right["parcours"]) == ("09999991234567", "CLIENT_CONNECT")
    assert (right["perim_donnees_informatives"], right["perim_donnees_publiees"]) == ("Vrai", "Faux")
    assert (right["perim_donnees_conso_debut"], right["perim_donnees_conso_fin"]) == ("2025-01-01", "2027-01-01")


def test_the_hint_says_who_one_is(adict):
    code = adict.consent(adict.connect_query(login_hint="A;B;foyer-0000007-2@example.org;T"))["code"]
    consents = json.loads(claims_of(adict, adict.exchange(code).json()["id_token"])["consentements"])
    assert [entry["pce"] for entry in consents] == ["09999990000007", "09999990000008"]
    assert "Camille Exemple" in adict.authorize(login_hint=None).text


def test_pkce_binds_a_code_to_its_verifier(adict):
    query = adict.connect_query(**CHALLENGE)
    assert adict.exchange(adict.consent(query)["code"], code_verifier=VERIFIER).status_code == 200
    wrong = adict.exchange(adict.consent(query)["code"], code_verifier=VERIFIER[:-1] + "x")
    assert told(wrong) == (400, "invalid_grant")
    assert told(adict.exchange(adict.consent(query)["code"])) == (400, "invalid_request")
    assert told(adict.exchange(adict.consent()["code"], code_verifier=VERIFIER)) == (400, "invalid_request")
    adict.control.set(pkce="required")
    assert "error=invalid_request" in adict.authorize().headers["Location"]
    adict.control.set(pkce="unknown")
    assert adict.exchange(adict.consent(query)["code"]).status_code == 200


def test_rs256_verifies_with_the_published_key_only(adict):
    adict.control.set(id_token_alg="RS256", id_token_claims={"realm": "/other", "nonce": None})
    token = adict.exchange(adict.consent()["code"]).json()["id_token"]
    (key,) = requests.get(adict.facts["jwks_url"], timeout=10).json()["keys"]
    assert not {"d", "p", "q"} & set(key)
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    claims = claims_of(adict, token, jwt.PyJWK(key), "RS256")
    assert (claims["realm"], "nonce" in claims) == ("/other", False), "as ordered"
    with pytest.raises(jwt.InvalidTokenError):
        claims_of(adict, token)


def test_a_browser_stays_with_the_holder_who_was_there_before_unless_a_login_is_asked_for(adict):
    """On a shared computer, the second household would otherwise consent for the first one's meters."""
    browser, other = requests.Session(), "Alix;Exemple;foyer-31@example.org;TIERS"
    adict.consent(session=browser)
    for prompt, offered in ((None, "09999990000042"), ("login", "09999990000031"), ("consent login", "09999990000031")):
        query = adict.connect_query(login_hint=other, prompt=prompt)
        page = browser.get(adict.facts["authorize_url"], params=query, timeout=10).text
        assert [pce for pce in ("09999990000042", "09999990000031") if pce in page] == [offered]
