"""For each way in which GRDF can refuse, the run ends as it should, says who, why and what next, and damages nothing.

One household gets all refusals in turn, and runs normally after each. A second household runs in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.days.gas_day import gas_day_of
from tests.helpers import give_back, known_account, lose
from tests.runs.shelves import assert_totals, data_revisions, days

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

UNLUCKY, LUCKY = "unlucky-60001", "lucky-60002"
OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
DOWN = "VENDOR_DOWN"
AGAIN = "tried again automatically"
CONSENT = "must (give its consent|consent|connect) again"


@dataclass(frozen=True)
class Case:
    """One kind of bad answer.

    :param name: name of the test case
    :param state: the Cozy state that the account gets, ``None`` for none
    :param cause: regular expression for the message's cause
    :param step: regular expression for the message's next step
    :param quirks: quirks of the meter
    :param fault: fault of its data calls
    :param settings: settings of the sandbox
    :param calls: number of data calls in one try
    :param body: text of the answer that no log may repeat
    """

    name: str
    state: str | None
    cause: str
    step: str
    quirks: Mapping[str, Any] = field(default_factory=dict)
    fault: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 1
    body: str = ""


def code(number: str, state: str | None, cause: str, step: str, **more: Any) -> Case:
    return Case(number, state, cause, step, quirks={"refusal": number}, **more)


def line(name: str, number: str, message: str, state: str | None, cause: str, step: str) -> Case:
    """Return a refusal in a line of an HTTP 200 whose code is not public."""
    body = {"consommation": None, "statut_restitution": {"code": number, "message": message}}
    return Case(name, state, cause, step, fault={"status": 200, "body": body, "times": None})


def http(name: str, status: int, state: str | None, cause: str, step: str, **more: Any) -> Case:
    calls = more.pop("calls", 1)
    shown = more.pop("shown", "")
    fault = {"status": status, "times": None, **more}
    return Case(name, state, cause, step, fault=fault, calls=calls, body=shown)


# fmt: off
CASES = [
    code("1000000", OUTDATED, "moved out", CONSENT),
    code("1000001", OUTDATED, "right of access expired", CONSENT),
    code("1000002", OUTDATED, "no right of access", CONSENT),
    Case(
        "1000002 with HTTP 403",
        OUTDATED,
        "HTTP 403",
        CONSENT,
        quirks={"refusal": "1000002"},
        settings={"no_right_status": 403},
    ),
    code("1000009", PERMISSIONS, "does not include published data", CONSENT),
    code("1000010", PERMISSIONS, r"does not include daily \(informative\) data", "tick the daily"),
    code("1000011", OUTDATED, "proof of consent invalid", CONSENT),
    code("1000014", OUTDATED, "holder revoked the consent", CONSENT),
    code("9990001", OUTDATED, "no longer valid", CONSENT),
    code("9990002", OUTDATED, "no longer valid", CONSENT),
    code("9990003", OUTDATED, "no longer valid", CONSENT),
    code("9990004", OUTDATED, "no longer valid", CONSENT),
    code("9990005", PERMISSIONS, "does not include what was asked", CONSENT),
    line(
        "our contract ended", "9990010", "Le contrat ADICT du tiers est arrivé à échéance.", None,
        "no longer serves us", "connection",
    ),
    line("we are suspended", "", "Tiers suspendu pour mésusage.", None, "no longer serves us", "connection"),
    line("nobody knows", "1234567", "Motif jamais vu.", None, "for an unknown reason", "error list"),
    line("technical, by its number", "2000999", "Panne.", DOWN, "technical failure", AGAIN),
    http("400", 400, None, "HTTP 400", "Check the dates and the meter",
         body={"statut_restitution": {"code": "9999406", "message": "date_fin ne peut pas dépasser la date du jour."}}),
    http("400 without a body", 400, None, "HTTP 400", "Check the dates and the meter", body=" "),
    http("401 twice", 401, None, "HTTP 401", "login and password", calls=2),
    http("401 by the gateway", 401, None, "HTTP 401", "login and password", calls=2,
         body={"erreur": "Authentification nécessaire."}),
    http("403 by the gateway", 403, OUTDATED, "HTTP 403", CONSENT, body={"erreur": "Accès interdit."}),
    http("404", 404, None, "HTTP 404", "meter",
         body={"statut_restitution": {"code": "9999440", "message": "Inconnu."}}),
    http("409", 409, None, "HTTP 409", "bug|meter"),
    http("429", 429, None, "HTTP 429", AGAIN),
    http("500", 500, DOWN, "HTTP 500", AGAIN),
    http("502 in HTML", 502, DOWN, "HTTP 502", AGAIN,
         body="<html><h1>Bad gateway s3cr3t-page</h1>", shown="s3cr3t-page"),
    http("503", 503, DOWN, "HTTP 503", AGAIN),
    http("504", 504, DOWN, "HTTP 504", AGAIN),
    http("200 in HTML", 200, DOWN, "could not be read", AGAIN,
         body="<html>Maintenance s3cr3t-page {</html>", shown="s3cr3t"),
    http("200 of broken JSON", 200, DOWN, "could not be read", AGAIN, body='{"pce": {"id_pce": "0999', shown="0999'"),
    http("connection cut", 200, DOWN, "could not be reached", AGAIN, cut=True),
    http("redirected away", 302, None, "HTTP 302", "correct the host", body=" "),
]
# fmt: on
BESIDE = ("1000014", "1000002 with HTTP 403", "we are suspended", "401 twice", "429", "503", "200 in HTML")
"""Cases in which the other household's DAG also runs: one of each kind, and all that affect the shared token."""


@pytest.fixture(scope="module")
def households(world: LocalWorld, airflow: Worker) -> tuple[str, str]:
    """The meters of the two households, both past their first run."""
    found = [known_account(world, name)[0] for name in (UNLUCKY, LUCKY)]
    for name in (UNLUCKY, LUCKY):
        run = airflow.run(name)
        assert run.state == "success", run.output
    return found[0], found[1]


@pytest.fixture
def meter(world: LocalWorld, airflow: Worker, households: tuple[str, str]) -> Any:
    """The affected household's meter. It is repaired afterwards, and a run then clears the account's state, if any."""
    yield households[0]
    world.control.set(faults=[], no_right_status=200)
    world.control.set_quirks(households[0])
    give_back(world, households[0])
    if not (world.book.get(UNLUCKY) or {}).get("state"):
        return
    run = airflow.run(UNLUCKY)
    assert run.state == "success", run.output
    assert not (world.book.get(UNLUCKY) or {}).get("state"), "the state goes when all is well"
    assert_totals(world, UNLUCKY, households[0])


def messages(output: str) -> str:
    """Return what was logged about the account, without frames and local variables of tracebacks."""
    return "\n".join(found for found in output.splitlines() if UNLUCKY in found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refusal(world: LocalWorld, airflow: Worker, households: tuple[str, str], meter: str, case: Case) -> None:
    before, document = data_revisions(world, UNLUCKY), world.book.get(UNLUCKY)
    if case.state in {OUTDATED, PERMISSIONS}:
        lose(world, meter)  # GRDF's list agrees with the refusal; for the opposite case see tests/leaving/test_doubt.py
    world.control.set(**case.settings)
    world.control.set_quirks(meter, **case.quirks)
    if case.fault:
        world.control.fault(f"/pce/{meter}/", **case.fault)

    run = airflow.run(UNLUCKY)

    assert run.state == "failed", run.output
    assert run.tasks == {
        "acquire_token": "success", "rescope_token": "success", "extract": "failed", "load": "upstream_failed"
    }  # fmt: skip
    assert len(run.data_calls) == case.calls, run.calls
    said = [text for text in messages(run.output).splitlines() if re.search(case.cause, text)]
    assert said, messages(run.output)
    assert any(re.search(rf"Account {UNLUCKY}: .*{case.cause}.*{case.step}", text) for text in said), said
    if case.body:
        assert case.body not in run.output
    after = world.book.get(UNLUCKY) or {}
    assert after.get("state") == case.state
    if case.state:
        assert re.search(case.cause, after["state_message"])
        assert re.search(case.step, after["state_message"])
        assert after["state_since"]
    else:
        assert after == document
    assert data_revisions(world, UNLUCKY) == before, "what is stored stands as it was"
    if case.name in BESIDE:
        other = airflow.run(LUCKY)
        assert other.state == "success", other.output
        assert len(other.data_calls) == 1
        assert not (world.book.get(LUCKY) or {}).get("state")


RETRIED = {"AIRFLOW__GRDF__RETRIES": "1", "AIRFLOW__GRDF__RETRY_SECONDS": "1"}


@pytest.mark.parametrize(
    ("fault", "tries"),
    [({"status": 503}, 2), ({"status": 429}, 2), ({"status": 504}, 2), ({"status": 404}, 1), ({"status": 409}, 1)],
    ids=lambda value: str(value.get("status")) if isinstance(value, dict) else "",
)
def test_only_what_may_pass_is_tried_again(
    world: LocalWorld, airflow: Worker, meter: str, fault: dict[str, Any], tries: int
) -> None:
    world.control.fault(f"/pce/{meter}/", times=None, **fault)

    run = airflow.run(UNLUCKY, env=RETRIED)

    assert run.state == "failed"
    assert len(run.data_calls) == tries


def test_consent_lost_is_not_tried_again(world: LocalWorld, airflow: Worker, meter: str) -> None:
    lose(world, meter)

    run = airflow.run(UNLUCKY, env=RETRIED)

    assert run.state == "failed"
    assert len(run.data_calls) == 1


def test_one_401_is_mended_by_one_new_token(world: LocalWorld, airflow: Worker, meter: str) -> None:
    world.control.drop_tokens()

    run = airflow.run(UNLUCKY)

    assert run.state == "success", run.output
    assert [call["status"] for call in run.data_calls] == [401, 200]
    assert len(run.token_calls) == 1


@pytest.mark.parametrize(
    ("fault", "cause", "step", "task"),
    [
        ({"status": 401, "body": {"error": "invalid_client"}}, "invalid_client", "login and password", "failed"),
        ({"status": 400, "body": {"error": "invalid_scope"}}, "invalid_scope", "scope", "failed"),
        ({"status": 503}, "HTTP 503", AGAIN, "failed"),
        ({"status": 429}, "HTTP 429", AGAIN, "failed"),
        ({"status": 200, "body": "<html>s3cr3t-page"}, "without a JSON object", AGAIN, "failed"),
        ({"status": 200, "body": {"access_token": 5}}, "without an access_token", AGAIN, "failed"),
        (
            {"status": 200, "body": {"access_token": "t0ken-of-another-scope", "scope": "openid", "expires_in": 60}},
            "another scope",
            "same environment",
            "failed",
        ),
    ],
    ids=["invalid_client", "invalid_scope", "503", "429", "html", "no token", "wrong scope"],
)
def test_token_endpoint_refuses(
    world: LocalWorld, airflow: Worker, meter: str, fault: dict[str, Any], cause: str, step: str, task: str
) -> None:
    """It affects every account through no fault of theirs, so no household is asked to act."""
    before, document = data_revisions(world, UNLUCKY), world.book.get(UNLUCKY)
    airflow.ask("forget_token")
    world.control.fault("/access_token", times=None, **fault)

    run = airflow.run(UNLUCKY)

    assert run.state == "failed"
    assert run.tasks["rescope_token"] == task
    assert re.search(f"{cause}.*{step}", run.output), run.output[-3000:]
    assert "s3cr3t-page" not in run.output
    assert "t0ken-of-another-scope" not in run.output
    assert data_revisions(world, UNLUCKY) == before
    assert world.book.get(UNLUCKY) == document


@pytest.mark.parametrize(
    "quirks",
    [
        {"refusal": "1000008"},
        {"refusal": "1000008", "layout": ["empty_body"]},
        {"frequency": "6M"},
    ],
    ids=["no data", "empty body", "half-yearly"],
)
def test_odd_answers_that_are_no_failure(
    world: LocalWorld, airflow: Worker, meter: str, quirks: dict[str, Any]
) -> None:
    before = days(world, UNLUCKY, meter)
    world.control.set_quirks(meter, **quirks)

    run = airflow.run(UNLUCKY)

    assert run.state == "success", run.output
    after = days(world, UNLUCKY, meter)
    assert before.items() <= after.items()
    assert all(day > max(before) for day in after.keys() - before.keys()), "but for one that GRDF publishes just now"
    assert_totals(world, UNLUCKY, meter)


def last_day(world: LocalWorld) -> date:
    return gas_day_of(world.control.now()) - timedelta(days=1)


def test_partial_answer_that_lasts_keeps_the_good_days_and_says_so(
    world: LocalWorld, airflow: Worker, account_id: str
) -> None:
    (pce,) = known_account(world, account_id)
    cut = last_day(world) - timedelta(days=30)
    world.control.set_quirks(pce, lines={"partial": {"from": cut.isoformat(), "times": None}})

    run = airflow.run(account_id)

    assert run.state == "failed", "never silently"
    assert run.tasks["load"] == "failed"
    assert re.search(f"Account {account_id}: .*GRDF failed on part of the answer", run.output)
    stored = days(world, account_id, pce)
    assert stored
    assert max(stored) < cut.isoformat()
    assert_totals(world, account_id, pce)
    world.control.set_quirks(pce)
    healed = airflow.run(account_id)
    assert healed.state == "success", healed.output
    first = last_day(world) - timedelta(days=62)
    assert set(days(world, account_id, pce)) >= set(
        world.control.expected(pce, first, last_day(world) + timedelta(days=1))
    )
    assert_totals(world, account_id, pce)
