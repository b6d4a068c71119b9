"""The gateway, tokens and Client Connect: what is refused, counted, and broken as ordered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.usefixtures("reset")
PCE = "09999990000900"
WINDOW = ("2026-06-01", "2026-06-02")
DATA_GRANT = {"grant_type": "client_credentials", "scope": "/adict/v2"}
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""RFC 7636, appendix B."""


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE])


def rights(adict: Any, header: str | None, path: str = "/droits_acces") -> requests.Response:
    headers = {} if header is None else {"Authorization": header}
    return requests.get(adict.facts["adict_base"] + path, headers=headers, timeout=10)


def statuses(adict: Any, calls: int) -> list[int]:
    token = adict.token()
    return [rights(adict, f"Bearer {token}").status_code for _ in range(calls)]


def error_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def test_calls_of_a_second_and_of_a_day_in_paris(adict):
    adict.control.set(calls_per_second=1)
    token = adict.token()
    refused = [rights(adict, f"Bearer {token}") for _ in range(2)][1]
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    adict.control.set(retry_after=2)
    assert rights(adict, f"Bearer {token}").headers["Retry-After"] == "2"
    assert adict.token(), "calls for tokens do not count"
    adict.control.drop_calls()
    adict.control.set(calls_per_second=5)
    assert statuses(adict, 7) == [200] * 5 + [429] * 2
    adict.control.drop_calls()
    adict.control.set(calls_per_day=2)
    adict.control.set_clock("2026-06-20T21:59:00+00:00")
    assert statuses(adict, 3) == [200, 200, 429]
    adict.control.set_clock("2026-06-20T22:01:00+00:00")
    assert statuses(adict, 1) == [200]


def test_faults_strike_as_ordered_and_as_often(adict):
    token, right = adict.token(), adict.control.consent(["09999990000901"])[0]["id_droit_acces"]
    adict.control.fault("/donnees_consos_informatives$", status=503, times=2, retry_after=7)
    assert [adict.daily(PCE, *WINDOW, token).status_code for _ in range(3)] == [503, 503, 200]
    adict.control.fault("informatives", cut=True)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        adict.daily(PCE, *WINDOW, token)
    adict.control.fault("/droit_acces/", method="PATCH", status=504, after=True)
    eraser = adict.token("delete_")
    answers = [adict.call("PATCH", f"/droit_acces/{right}", eraser).status_code for _ in range(2)]
    assert answers == [504, 409], "the first took effect"


def test_a_code_works_once_for_a_minute_for_its_redirect_uri(adict):
    code = adict.consent()["code"]
    token = adict.exchange(code).json()["access_token"]
    assert adict.call("GET", "/droits_acces", token).status_code == 403
    assert error_of(adict.exchange(code)) == (400, "invalid_grant")
    assert adict.call("GET", "/droits_acces", token).status_code == 401, "its second use ends the token"
    assert (
        error_of(adict.exchange(adict.consent()["code"], redirect_uri="http://127.0.0.1:9/other"))[1] == "invalid_grant"
    )
    code = adict.consent()["code"]
    adict.control.set_clock(adict.control.now() + timedelta(seconds=61))
    assert error_of(adict.exchange(code)) == (400, "invalid_grant")


def test_a_wrong_request_goes_back_to_a_known_caller_and_else_is_told_on_the_page(adict):
    for change in ({"client_id": "unknown"}, {"client_id": None}, {"redirect_uri": "http://evil.example/"},
                   {"redirect_uri": None}):  # fmt: skip
        answer = adict.authorize(**change)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert "text/html" in answer.headers["Content-Type"]
    for change, error in (
        ({"scope": "profile"}, "invalid_scope"), ({"scope": None}, "invalid_scope"),
        ({"state": None}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"),
        ({}, "temporarily_unavailable"),  # as ordered
    ):  # fmt: skip
        adict.control.set(authorize_error=None if change else error)
        answer = adict.authorize(**change)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(adict.facts["redirect_uri"])
        assert f"error={error}" in answer.headers["Location"]


def test_pkce_binds_a_code_to_its_verifier(adict):
    query = adict.connect_query(**CHALLENGE)
    assert adict.exchange(adict.consent(query)["code"], code_verifier=VERIFIER).status_code == 200
    wrong = adict.exchange(adict.consent(query)["code"], code_verifier=VERIFIER[:-1] + "x")
    assert error_of(wrong) == (400, "invalid_grant")
    assert error_of(adict.exchange(adict.consent(query)["code"])) == (400, "invalid_request")
    assert error_of(adict.exchange(adict.consent()["code"], code_verifier=VERIFIER)) == (400, "invalid_request")
    adict.control.set(pkce="required")
    assert "error=invalid_request" in adict.authorize().headers["Location"]
    adict.control.set(pkce="unknown")
    assert adict.exchange(adict.consent(query)["code"]).status_code == 200


def test_a_browser_stays_with_the_holder_who_was_there_before_unless_a_login_is_asked_for(adict):
    """On a shared computer, the second household would otherwise consent for the first one's meters."""
    browser, other = requests.Session(), "Alix;Exemple;foyer-31@example.org;TIERS"
    adict.consent(session=browser)
    for prompt, offered in ((None, "09999990000042"), ("login", "09999990000031"), ("consent login", "09999990000031")):
        query = adict.connect_query(login_hint=other, prompt=prompt)
        page = browser.get(adict.facts["authorize_url"], params=query, timeout=10).text
        assert [pce for pce in ("09999990000042", "09999990000031") if pce in page] == [offered]
