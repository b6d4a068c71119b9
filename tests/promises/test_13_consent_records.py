"""Promise 13: the record of a consent is kept for GRDF's checks as long as the setting wants; proofs can be sent."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from tests.promises import stack_adapter as product
from tests.promises.departures import Departure, agree, fill_in, link_of
from tests.promises.stack import RECORDED, RECORDS, Person, Stack, dag_of, wait

PROVED = product.person(81, "promise-proved")


def records_with(stack: Stack, who: Person) -> list[dict[str, Any]]:
    return [each for each in stack.documents(RECORDS) if who.email in json.dumps(each)]


def test_grdf_gets_the_proof_that_it_asks_for(stack: Stack) -> None:
    browser = stack.browser()
    sent = agree(browser, fill_in(browser, link_of(stack, PROVED.account), PROVED))
    assert sent.status_code == 303, sent.text[-3000:]
    (right,) = wait(lambda: stack.rights(PROVED), "the right that its first run declares")
    stack.grdf.answer(right)
    stack.grdf.ask_proof(right, stack.yesterday() + timedelta(days=20))
    wait(lambda: stack.has_dag(dag_of(PROVED.account)), "DAG of the household")
    stack.ran("grdf_waiting_rights")
    run = stack.ran("grdf_send_proof", account=PROVED.account)
    assert run["state"] == "success", stack.log_of(run)
    (proof,) = stack.grdf.proofs(right)
    assert proof["content"].startswith(b"%PDF")
    assert not any(word in stack.log_of(run) for word in PROVED.personal)


def test_the_record_outlives_the_account_as_long_as_the_setting_wants(
    stack: Stack, departed: dict[str, Departure]
) -> None:
    left, stays = departed[RECORDED], records_with(stack, PROVED)
    assert left.run["state"] == "success", left.logs
    (kept,) = records_with(stack, left.who)
    text = json.dumps({key: kept[key] for key in kept if key != "_rev"}, ensure_ascii=False)
    assert all(word in text for word in (left.who.pces[0], left.who.last_name, left.who.postcode))
    assert RECORDED not in text
    run = stack.ran("grdf_retention")  # `dags test` would race with the scheduler
    assert run["state"] == "success", stack.log_of(run)
    assert records_with(stack, left.who) == [kept], "its five years have begun"
    over = max(re.findall(r"20\d\d-\d\d-\d\d", text))  # the day that it names itself, five years from now
    assert over > str(stack.yesterday() + timedelta(days=1800))
    stack.remove(RECORDS, kept["_id"])
    stack.put(RECORDS, json.loads(text.replace(over, str(stack.yesterday()))))
    run = stack.ran("grdf_retention")
    assert run["state"] == "success", stack.log_of(run)
    assert records_with(stack, left.who) == []
    assert [each["_id"] for each in records_with(stack, PROVED)] == [each["_id"] for each in stays]
