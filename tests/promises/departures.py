"""Households that leave, all at once, and one that has consented on the page, by its link."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.promises import stack_adapter as product
from tests.promises.adapter.ways_in import Form, forms
from tests.promises.stack import (
    ACCOUNTS,
    ADMIN,
    APPROVER,
    AUDIT,
    LEAVER,
    PEOPLE,
    RECORDED,
    STAYER,
    Browser,
    Person,
    Stack,
    dag_of,
    wait,
)

DELETION = "grdf_delete_account"
SHARED, SHARER = product.person(71, "promise-shared"), "promise-sharer"
"""A household with a right that a second account names, too, as after a restored backup."""


def form_with(page: requests.Response, field: str) -> Form:
    assert page.status_code == 200, f"{page.status_code} {page.text[-3000:]}"
    return next(form for form in forms(page.text) if field in form.fields or field in form.boxes)


def link_of(stack: Stack, account: str) -> str:
    made = stack.browser(ADMIN).post(f"/grdf/connect/{account}/link", headers={"Accept": "application/json"})
    assert made.status_code == 200, made.text
    return str(made.json()["link"])


def fill_in(browser: Browser, address: str, who: Person) -> requests.Response:
    """Open the form and send it; return the summary with the text to agree to."""
    form = form_with(browser.get(address), "postcode")
    typed = {
        "pce": who.pces[0],
        "name": who.last_name,
        "postcode": who.postcode,
        "email": who.email,
        "phone": who.phone,
    }
    return browser.post(form.action, data=form.fields | form.boxes | typed | form.buttons)


def agree(browser: Browser, summary: requests.Response) -> requests.Response:
    form = next(each for each in forms(summary.text) if each.boxes and "pce" in each.fields)
    return browser.post(form.action, data=form.fields | form.boxes | form.buttons)


@pytest.fixture(scope="session")
def recorded(stack: Stack) -> Person:
    """A household that consents with its link on the page, answers GRDF's mail, and is read."""
    who, browser = PEOPLE[RECORDED], stack.browser()
    sent = agree(browser, fill_in(browser, link_of(stack, RECORDED), who))
    assert sent.status_code == 303, sent.text[-3000:]
    waits = lambda: [right for right, state in stack.rights(who).items() if state == "A valider"]  # noqa: E731
    (right,) = wait(waits, "the right that its first run declares")
    stack.grdf.answer(right)
    wait(lambda: stack.has_dag(dag_of(RECORDED)), "DAG of the household with a link")
    stack.ran("grdf_waiting_rights")
    wait(lambda: stack.days(RECORDED, who.pces[0]) or stack.ran(dag_of(RECORDED)) is None, "days of that household")
    return who


def waiting_task(stack: Stack, run: str) -> str | None:
    states = stack.tasks({"dag_id": DELETION, "dag_run_id": run})
    assert "failed" not in states.values(), stack.log_of({"dag_id": DELETION, "dag_run_id": run})
    return next((task for task, state in states.items() if state == "awaiting_input"), None)


def parked(stack: Stack, run: str, times: int = 1) -> str:
    """Wait until the scheduler knows of the question: Airflow 3.3.2 fails a task that is answered before."""
    task = str(wait(lambda: waiting_task(stack, run), "question to a person"))

    def heard() -> bool:
        lines = (stack.airflow.home / "scheduler.log").read_text(encoding="utf-8", errors="replace").splitlines()
        heard_of = [line for line in lines if "Received executor event" in line and f"'{task}'" in line and run in line]
        return len(heard_of) >= times and waiting_task(stack, run) == task

    wait(heard, "scheduler that knows of the question")
    time.sleep(0.5)
    return task


def answer(stack: Stack, run: str, choice: str, by: str = APPROVER, times: int = 1) -> None:
    path = f"/dags/{DELETION}/dagRuns/{quote(run)}/taskInstances/{parked(stack, run, times)}/-1/hitlDetails"
    token = {"Authorization": f"Bearer {stack.airflow.token(by, stack.passwords[by])}"}
    answered = stack.api("PATCH", path, json={"chosen_options": [choice], "params_input": {}}, headers=token)
    assert answered.ok, answered.text


def records_of(stack: Stack, account: str) -> list[dict[str, Any]]:
    return [each for each in stack.documents(AUDIT) if each.get("account") == account and each.get("finished_at")]


def revoked_by(stack: Stack, right: str) -> list[str]:
    return [
        call["client_id"]
        for call in stack.grdf.log()
        if call["method"] == "PATCH" and call["path"].endswith(f"/{right}") and call["status"] == 200
    ]


@dataclass(frozen=True)
class Departure:
    """``own_answer``: the documents and active rights after the person who asked had approved it, too."""

    who: Person
    rights: dict[str, str]
    run: dict[str, Any]
    logs: str
    own_answer: tuple[int, int]


@pytest.fixture(scope="session")
def departed(stack: Stack, recorded: Person) -> Iterator[dict[str, Departure]]:
    people = {LEAVER: PEOPLE[LEAVER], RECORDED: recorded, SHARED.account: SHARED}
    stack.connect(SHARED)
    for name in (LEAVER, STAYER, SHARED.account):
        assert stack.first_run(name)["state"] == "success"
    meters = stack.account(SHARED.account)["oauth_callback_results"]
    copied = {"_id": SHARER, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": meters}
    stack.put(ACCOUNTS, copied)
    last = stack.yesterday()
    days = {"from": str(last - timedelta(days=20)), "to": str(last), "include_definitive": True}
    read = {names[0]: stack.start("grdf_history", accounts=list(names), **days) for names in ((LEAVER,), (STAYER,))}
    for run in read.values():
        assert stack.end("grdf_history", run)["state"] == "success"
    waits = {"file": ("bill.pdf", b"%PDF-1.4")}  # to be sent to GRDF as a proof
    assert stack.browser(ADMIN).post(f"/grdf/connect/{LEAVER}/proofs/upload", files=waits).status_code == 303
    rights = {name: stack.rights(who) for name, who in people.items()}
    runs = {name: stack.start(DELETION, account=name, confirm=name, dry_run=False) for name in people}
    answer(stack, runs[LEAVER], "Approve", by=ADMIN)
    for name in people:
        if name != LEAVER:
            answer(stack, runs[name], "Approve")
    parked(stack, runs[LEAVER], times=2)
    there = sum(len(stack.documents(name, LEAVER)) for name in (ACCOUNTS, "com-grandlyon-grdf-day"))
    own_answer = (there, list(stack.rights(PEOPLE[LEAVER]).values()).count("Active"))
    answer(stack, runs[LEAVER], "Approve", times=2)
    ended = {name: stack.end(DELETION, run) for name, run in runs.items()}
    yield {
        name: Departure(who, rights[name], ended[name], stack.log_of(ended[name]), own_answer)
        for name, who in people.items()
    }
    stack.remove(ACCOUNTS, SHARER)


def bodies(stack: Stack) -> Iterator[tuple[str, str, str, str]]:
    """Yield database, id, text and kind of all that CouchDB gives away of any document, removed and old ones too."""
    for database in [quote(name, safe="") for name in stack.couch("GET", "_all_dbs").json()]:
        if not database.startswith(stack.database("")):
            continue  # another installation, with a store of its own
        feed = stack.couch("GET", f"{database}/_changes", params={"style": "all_docs"}).json()
        for change in feed["results"]:
            where = f"{database}/{quote(change['id'], safe='')}"
            for leaf in change["changes"]:
                document = stack.couch("GET", where, params={"rev": leaf["rev"], "revs": "true"}).json()
                known = document.pop("_revisions", {"start": 0, "ids": []})
                yield (
                    database,
                    change["id"],
                    json.dumps(document, ensure_ascii=False),
                    "removed" if change.get("deleted") else "",
                )
                for back, digest in enumerate(known["ids"][1:], 1):
                    old = stack.couch("GET", where, params={"rev": f"{known['start'] - back}-{digest}"})
                    if old.ok:
                        yield database, change["id"], old.text, "old"
