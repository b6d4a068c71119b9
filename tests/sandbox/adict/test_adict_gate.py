"""The gateway: tokens, quotas, injected faults, and the request log."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.usefixtures("reset")
PCE = "09999990000900"


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE])


def rights(adict: Any, header: str | None, path: str = "/droits_acces") -> requests.Response:
    headers = {} if header is None else {"Authorization": header}
    return requests.get(adict.facts["adict_base"] + path, headers=headers, timeout=10)


def statuses(adict: Any, calls: int) -> list[int]:
    token = adict.token()
    return [rights(adict, f"Bearer {token}").status_code for _ in range(calls)]


def test_bearer_forms(adict):
    token, technical = adict.token(), f"/pce/{PCE}/donnees_techniques"
    assert rights(adict, f"Bearer {token}").status_code == 200
    missing = rights(adict, None)
    assert (missing.status_code, set(missing.json())) == (401, {"erreur"})
    assert rights(adict, "Bearer unknown").status_code == 401
    for header in (f"bearer {token}", f"Token {token}", token, "Bearer", f"Bearer  {token}"):
        answer = rights(adict, header)
        assert (answer.status_code, answer.json()["code_statut_traitement"]) == (400, "9999999400")
    assert rights(adict, f"Token {token}", technical).json()["statut_restitution"]["code"] == "9999410"
    adict.control.drop_tokens()
    assert rights(adict, f"Bearer {token}").status_code == 401


def test_calls_a_second(adict):
    adict.control.set(calls_per_second=1)
    token = adict.token()
    refused = [rights(adict, f"Bearer {token}") for _ in range(2)][1]
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    adict.control.set(retry_after=2)
    assert rights(adict, f"Bearer {token}").headers["Retry-After"] == "2"
    assert adict.token(), "calls for tokens do not count"
    time.sleep(1.0)
    assert statuses(adict, 1) == [200]
    adict.control.drop_calls()
    adict.control.set(calls_per_second=5)
    assert statuses(adict, 7) == [200] * 5 + [429] * 2


def test_calls_a_day_start_anew_at_midnight_in_paris(adict):
    adict.control.set(calls_per_day=2)
    adict.control.set_clock("2026-06-20T21:59:00+00:00")
    assert statuses(adict, 3) == [200, 200, 429]
    adict.control.set_clock("2026-06-20T22:01:00+00:00")
    assert statuses(adict, 1) == [200]


def test_faults_strike_as_often_as_ordered(adict):
    token = adict.token()
    adict.control.fault("/donnees_consos_informatives$", status=503, times=2, retry_after=7)
    adict.control.fault("/access_token$", status=500, body="<html>panne</html>")
    assert [adict.daily(PCE, "2026-06-01", "2026-06-02", token).status_code for _ in range(3)] == [503, 503, 200]
    answer = adict.post_token(grant_type="client_credentials", scope="/adict/v2")
    assert (answer.status_code, answer.text) == (500, "<html>panne</html>")
    assert adict.control.settings()["faults"] == []


def test_fault_can_cut_delay_and_lie(adict):
    token = adict.token()
    adict.control.fault("informatives", cut=True)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        adict.daily(PCE, "2026-06-01", "2026-06-02", token)
    adict.control.fault("informatives", delay_s=0.3)
    started = time.monotonic()
    assert adict.daily(PCE, "2026-06-01", "2026-06-02", token).status_code == 200
    assert time.monotonic() - started >= 0.3
    adict.control.fault("informatives", status=200, body={"odd": 1})
    assert adict.daily(PCE, "2026-06-01", "2026-06-02", token).json() == {"odd": 1}


def test_fault_after_the_call_took_effect(adict):
    right = adict.control.consent(["09999990000901"])[0]["id_droit_acces"]
    adict.control.fault("/droit_acces/", method="PATCH", status=504, after=True)
    eraser = adict.token("delete_")
    assert [adict.call("PATCH", f"/droit_acces/{right}", eraser).status_code for _ in range(2)] == [504, 409]


def test_log_tells_who_asked_what_and_holds_no_secret(adict):
    adict.control.clear_log()
    code = adict.consent()["code"]
    narrow = adict.exchange(code).json()
    token = adict.token()
    for each in (token, narrow["access_token"]):
        adict.daily(PCE, "2026-06-01", "2026-06-02", each)
    log = adict.control.log()
    assert [(e["method"], e["path"].rsplit("/", 1)[-1], e["grant"], e["status"], e["pce"]) for e in log] == [
        ("GET", "authorize", None, 200, None),
        ("POST", "authorize", None, 302, None),
        ("POST", "access_token", "authorization_code", 200, None),
        ("POST", "access_token", "client_credentials", 200, None),
        ("GET", "donnees_consos_informatives", "client_credentials", 200, PCE),
        ("GET", "donnees_consos_informatives", "authorization_code", 403, None),
    ]
    assert log[4]["query"] == {"date_debut": "2026-06-01", "date_fin": "2026-06-02"}
    assert log[4]["client_id"] == adict.facts["client_id"]
    hidden = (code, token, narrow["access_token"], narrow["id_token"], adict.facts["client_secret"], "@example.org")
    assert [secret for secret in hidden if secret in json.dumps(log)] == []
    assert adict.control.log(since=log[-1]["n"]) == []
