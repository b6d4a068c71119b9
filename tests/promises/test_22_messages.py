"""Promise 22: every message names what happened, to which account, and what to do next."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from tests.promises import stack_adapter as product
from tests.promises.stack import ADMIN, PEOPLE, REFUSED, STAYER, Stack, wait

NEXT_STEP = re.compile(r"connect|consent|grdf_|start|set |run |again|correct|check", re.IGNORECASE)
WHO = PEOPLE[REFUSED]


def refused(stack: Stack) -> dict[str, Any]:
    run = stack.first_run(REFUSED)
    assert run["state"] in ("failed", "success")
    return dict(wait(lambda: (found := stack.account(REFUSED)).get("state") and found, "state of the account"))


def test_a_run_that_grdf_refuses(stack: Stack) -> None:
    document, log = refused(stack), stack.log_of(stack.first_run(REFUSED))
    assert document["state"].startswith("USER_ACTION_NEEDED")
    assert "consent" in log.lower(), log
    about = [line for line in log.splitlines() if REFUSED in line and "consent" in line.lower()]
    assert any(NEXT_STEP.search(line) for line in about), log
    assert not any(word in log + json.dumps(document.get("state_message", "")) for word in WHO.personal)


def test_the_page_shows_it_with_what_to_do(stack: Stack) -> None:
    refused(stack)
    browser = stack.browser(ADMIN)
    pages = {path: browser.get(f"/grdf/{path}") for path in ("fleet", f"accounts/{REFUSED}", f"accounts/{STAYER}")}
    for path in ("fleet", f"accounts/{REFUSED}"):
        assert pages[path].status_code == 200
        text = unescape(re.sub(r"<[^>]+>", " ", pages[path].text))
        assert REFUSED in text
        assert "consent" in text.lower()
        assert not any(word in text for word in (WHO.last_name, WHO.email))
    assert f'/connect/{REFUSED}"' in pages[f"accounts/{REFUSED}"].text, "where it consents again"
    assert "must give its consent" not in pages[f"accounts/{STAYER}"].text


def test_the_command_line(stack: Stack) -> None:
    refused(stack)
    done = stack.command("run", REFUSED, "--no-wait")
    assert done.returncode in (1, 3)
    assert any(REFUSED in line and NEXT_STEP.search(line) for line in done.stderr.splitlines()), done.stderr
    assert not any(word in done.stderr + done.stdout for word in WHO.personal)
    down = json.loads(stack.airflow.env["AIRFLOW_CONN_COUCHDB"]) | {"port": 9}
    later = stack.command("run", STAYER, "--no-wait", env={"AIRFLOW_CONN_COUCHDB": json.dumps(down)})
    assert later.returncode == 4, later.stderr
    assert "CouchDB" in later.stderr
    assert down["password"] not in later.stderr


def test_the_doctor(stack: Stack) -> None:
    wrong = json.loads(stack.airflow.env["AIRFLOW_CONN_GRDF_ADICT"]) | {"password": "wrong-and-invented"}
    gone = json.loads(stack.airflow.env["AIRFLOW_CONN_COUCHDB"]) | {"port": 9}
    env = {"AIRFLOW_CONN_GRDF_ADICT": json.dumps(wrong), "AIRFLOW_CONN_COUCHDB": json.dumps(gone)}
    done = stack.command("doctor", "--json", env=env)
    bad = product.to_mend(done.stdout)
    assert done.returncode == 1
    for what in ("grdf_adict", "CouchDB"):
        assert [text for text in bad if what in text]
    assert all(bad.values())
    assert not [word for word in ("wrong-and-invented", gone["password"]) if word in done.stdout + done.stderr]
