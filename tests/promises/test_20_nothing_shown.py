"""Promise 20: no secret, code, person, meter number or kWh in logs, XCom, events, URLs, metrics and mails."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.promises import stack_adapter as product
from tests.promises.departures import form_with, link_of
from tests.promises.stack import CODE, COZY, ODD_KWH, PEOPLE, REFUSED, SOUTH, STAYER, Person, Stack, dag_of

TROUBLED, GUEST = product.person(93, "promise-troubled"), product.person(94, "promise-guest")
KWH = re.compile(r"\d ?kWh")


@dataclass(frozen=True)
class Lives:
    words: set[str]

    def found_in(self, text: str) -> list[str]:
        return [*(word for word in self.words if word in text), *KWH.findall(text)]


@pytest.fixture(scope="session")
def lives(stack: Stack, recorded: Person) -> Lives:
    stack.connect(TROUBLED)
    assert stack.first_run(TROUBLED.account)["state"] == "success"
    meter = TROUBLED.pces[0]
    said = f"PCE {meter} ({TROUBLED.email})"  # the kind of text that GRDF's refusals repeat
    for body in ({"erreur": said}, {"statut_restitution": {"code": "9999400", "message": said}}):
        stack.grdf.fault(f"/pce/{meter}/", status=400, times=1, body=body)
        stack.ran(dag_of(TROUBLED.account))
    link, browser = link_of(stack, GUEST.account), stack.browser()
    form = form_with(browser.get(link), "last_name")
    names = {"first_name": GUEST.first_name, "last_name": GUEST.last_name, "email": GUEST.email}
    at_grdf = browser.post(form.action, data=form.fields | form.boxes | names).headers["Location"]
    back = product.consent_through_browser(at_grdf, conso_debut=str(stack.yesterday().replace(day=1)))
    assert browser.get(back).status_code == 303
    assert stack.first_run(GUEST.account)["state"] == "success"
    for account in (COZY, CODE, SOUTH, STAYER, REFUSED):
        stack.first_run(account)
    stack.ran("grdf_health")
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    token = parse_qs(urlsplit(link).query)["token"][0]
    people = {word for who in (*PEOPLE.values(), TROUBLED, GUEST) for word in who.personal}
    secrets = {*stack.secrets, *stack.passwords.values(), token, query["code"], query["state"]}
    return Lives({*secrets, *people, str(ODD_KWH), "918.27"})


def test_logs_and_the_addresses_in_them(stack: Stack, lives: Lives) -> None:
    read, served = 0, 0
    for file in stack.log_files():
        text = file.read_text(encoding="utf-8", errors="replace")
        read += STAYER in text
        served += "/grdf/household" in text
        assert lives.found_in(text) == [], file
    assert read > 4
    assert served, "the access log was among them"


def test_airflow_s_database(stack: Stack, lives: Lives) -> None:
    seen = set()
    for table, row in stack.rows():
        seen.add(table)
        for name, value in row.items():
            assert lives.found_in(value) == [], f"{table}.{name}"
    assert {"xcom", "asset_event", "log", "dag_run"} <= seen


def test_what_others_receive(stack: Stack, lives: Lives) -> None:
    metrics = "\n".join(stack.metrics)
    assert "grdf" in metrics
    assert lives.found_in(metrics) == []
    ours = [line for line in stack.metrics if line.partition(":")[0].startswith("airflow.grdf")]
    assert ours
    assert not [line for line in ours if "promise-" in line], "no account in our metrics"
    mails = "\n".join([*stack.mailbox.texts, *(str(mail["Subject"]) for mail in stack.mailbox.mails)])
    assert lives.found_in(mails) == []
    lineage = stack.airflow.home / "lineage.log"
    assert STAYER in lineage.read_text(encoding="utf-8")
