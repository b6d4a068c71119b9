"""The gateway and Client Connect, where the product must be refused if it errs: GRDF's quota, and PKCE."""

from __future__ import annotations

from typing import Any

import pytest
import requests

pytestmark = pytest.mark.usefixtures("reset")
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""RFC 7636, appendix B."""


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
