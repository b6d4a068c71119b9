"""The gateway: tokens, quotas, injected faults, and the request log."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

PCE = "09999990000900"


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE])


@pytest.fixture(autouse=True)
def no_limits_left(adict: Any) -> Any:
    adict.control.drop_calls()
    yield
    adict.control.set(calls_per_second=None, calls_per_day=None, retry_after=None, faults=[])
    adict.control.drop_calls()


def rights(adict: Any, header: str | None) -> requests.Response:
    headers = {} if header is None else {"Authorization": header}
    return requests.get(adict.facts["adict_base"] + "/droits_acces", headers=headers, timeout=10)


def test_bearer_forms(adict):
    token = adict.token()
    assert rights(adict, f"Bearer {token}").status_code == 200
    missing = rights(adict, None)
    assert missing.status_code == 401
    assert missing.json().keys() == {"erreur"}
    assert rights(adict, "Bearer unknown").status_code == 401
    for header in (f"bearer {token}", f"Token {token}", token, "Bearer", f"Bearer  {token}", "Basic eDp5"):
        answer = rights(adict, header)
        assert answer.status_code == 400
        assert answer.json()["code_statut_traitement"] == "9999999400"
    url = f"{adict.facts['adict_base']}/pce/{PCE}/donnees_techniques"
    answer = requests.get(url, headers={"Authorization": f"Token {token}"}, timeout=10)
    assert (answer.status_code, answer.json()["statut_restitution"]["code"]) == (400, "9999410")


def test_forgotten_tokens_are_401(adict):
    token = adict.token()
    adict.control.drop_tokens()
    assert rights(adict, f"Bearer {token}").status_code == 401


def test_one_call_a_second(adict):
    token = adict.token()
    adict.control.set(calls_per_second=1)
    assert rights(adict, f"Bearer {token}").status_code == 200
    refused = rights(adict, f"Bearer {token}")
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    adict.control.set(retry_after=2)
    assert rights(adict, f"Bearer {token}").headers["Retry-After"] == "2"
    time.sleep(1.0)
    assert rights(adict, f"Bearer {token}").status_code == 200


def test_five_calls_a_second(adict):
    token = adict.token()
    adict.control.set(calls_per_second=5)
    statuses = [rights(adict, f"Bearer {token}").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_calls_a_day_start_anew_at_midnight_in_paris(adict):
    token = adict.token()
    before = adict.control.now()
    adict.control.set(calls_per_day=2)
    adict.control.set_clock("2026-06-20T21:59:00+00:00")
    token = adict.token()
    assert [rights(adict, f"Bearer {token}").status_code for _ in range(3)] == [200, 200, 429]
    adict.control.set_clock("2026-06-20T22:01:00+00:00")
    assert rights(adict, f"Bearer {token}").status_code == 200
    adict.control.set_clock(before)


def test_token_calls_do_not_count(adict):
    adict.control.set(calls_per_second=1)
    assert all(adict.token() for _ in range(4))


def test_faults_strike_as_often_as_ordered(adict):
    token = adict.token()
    adict.control.fault("/donnees_consos_informatives$", status=503, times=2, retry_after=7)
    adict.control.fault("/access_token$", status=500, body="<html>panne</html>")
    statuses = [adict.daily(PCE, "2026-06-01", "2026-06-02", token).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    answer = adict.post_token(grant_type="client_credentials", scope="/adict/v2")
    assert (answer.status_code, answer.text) == (500, "<html>panne</html>")
    assert adict.token()
    assert adict.control.settings()["faults"] == []


@pytest.mark.parametrize(
    ("path", "key"),
    [("/droits_acces", "code_statut_traitement"), (f"/pce/{PCE}/donnees_techniques", "statut_restitution")],
)
def test_ordered_500_has_the_shape_of_its_address(adict, path, key):
    adict.control.fault(path, status=500)
    answer = adict.call("GET", path)
    assert answer.status_code == 500
    assert key in answer.json()


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
    right = adict.control.consent([PCE])[0]["id_droit_acces"]
    adict.control.fault("/droit_acces/", method="PATCH", status=504, after=True)
    eraser = adict.token("delete_")
    assert adict.call("PATCH", f"/droit_acces/{right}", eraser).status_code == 504
    assert adict.call("PATCH", f"/droit_acces/{right}", eraser).status_code == 409
    adict.control.consent([PCE])


def test_log_tells_who_asked_what_and_holds_no_secret(adict):
    adict.control.clear_log()
    code = adict.consent()["code"]
    narrow = adict.exchange(code).json()
    token = adict.token()
    adict.daily(PCE, "2026-06-01", "2026-06-02", token)
    adict.daily(PCE, "2026-06-01", "2026-06-02", narrow["access_token"])
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
    text = json.dumps(log)
    for secret in (
        code,
        token,
        narrow["access_token"],
        narrow["id_token"],
        adict.facts["client_secret"],
        "@example.org",
    ):
        assert secret not in text
    assert adict.control.log(since=log[-1]["n"]) == []


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("settings", {"colour": "blue"}),
        ("settings", {"id_token_alg": "none"}),
        ("settings", {"calls_per_second": 0}),
        ("settings", {"faults": [{"path": "("}]}),
        ("settings", {"faults": [{"status": 500}]}),
        ("meters/09999990000900/quirks", {"lines": {"partial": {"times": 1}}}),
        ("clock", {"now": "noon"}),
        ("consents", {"pces": ["12345678901234"]}),
        ("meters/12345678901234/corrections", {"day": "2026-01-01", "energie": 1}),
        ("meters/09999990000900/corrections", {"day": "2026-01-01", "energie": -1}),
        ("consents/nothing/revoke", {"by": "holder"}),
        ("settings", []),
    ],
)
def test_senseless_orders_are_refused_with_a_reason(adict, path, order):
    answer = requests.post(f"{adict.facts['control_url']}/{path}", json=order, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_control_answers_loopback_names_only(adict):
    url = adict.facts["control_url"] + "/facts"
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 403
    assert requests.get(url, timeout=10).json() == adict.facts
