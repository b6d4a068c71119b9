"""The monthly reading of many accounts: who is due, what a failure does to the others, and who is read first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grdf.operators.read_published import ReadPublishedOperator
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import oldest_allowed
from include.gas.errors import CredentialsRefused, QuotaExceeded, ServiceUnavailable
from tests.helpers import connect_cozy, context, known_account, with_memory_shelf
from tests.plugins.published import ALL, billing, calls, change, document, end, periods
from tests.plugins.steps import read_published as read

TODAY = paris_today(datetime.now(UTC))

pytestmark = pytest.mark.usefixtures("home")


def family(world: Any, account_id: str, *names: str) -> dict[str, str]:
    """Create accounts with one meter each. Return the meters by account id, in the order of the run."""
    number = int(account_id.rpartition("-")[2]) * 10
    ids = [f"{name}-{number + n}" for n, name in enumerate(names)]
    return {each: known_account(world, each)[0] for each in ids}


def test_due_once_a_month_and_new_ones_at_once(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "a", "b", "c")
    assert read()["meters"] == 3
    own.control.clear_log()
    assert read() == {}
    assert calls(own) == []
    late, renewed, _ = pces
    said = document(own, late)
    said["status"]["billing"][pces[late]]["read_at"] = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    own.book.save(said)
    assert read()["meters"] == 1
    assert calls(own) == ALL
    known_account(own, renewed)
    own.control.clear_log()
    assert read()["meters"] == 1, "a new consent is read at once"
    (call,) = [each for each in own.control.log() if each["path"].endswith("publiees")]
    assert call["query"]["date_debut"] == str(oldest_allowed(TODAY, 5)), "and as deep as it goes"


def test_accounts_that_are_not_read(own: Any, account_id: str) -> None:
    number = int(account_id.rpartition("-")[2])
    leaving, over, young, odd, good = (f"{name}-{number * 10 + n}" for n, name in enumerate("abcde"))
    pces = {name: known_account(own, name)[0] for name in (leaving, over, odd, good)}
    change(own, leaving, leaving={"run": "r", "by": "someone", "since": "2024-01-01T00:00:00Z"})
    end(over, pces[over], TODAY)
    change(own, odd, oauth_callback_results={"consents": "none"})
    connect_cozy(own, young)
    assert read(over) == {"meters": 1}, "there is nothing to remove"
    before = {name: document(own, name) for name in (leaving, over, young, odd)}
    own.control.clear_log()
    counts = read()
    assert (counts["meters"], counts["unchanged"]) == (1, 1)
    assert calls(own) == ALL
    assert read(leaving, young, odd, "not-there") == {"unchanged": 3}
    after = {name: document(own, name) for name in before}
    assert before == after
    assert not any(periods(name) for name in before)


def test_one_that_fails_does_not_stop_the_others_and_keeps_its_turn(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "a", "b", "c")
    first, second, third = pces
    own.control.fault(f"{pces[second]}/donnees_consos_publiees", status=503, times=99)
    with pytest.raises(ServiceUnavailable, match=second):
        read()
    assert [len(periods(name)) > 0 for name in (first, second, third)] == [True, False, True]
    assert billing(own, second)["frequency"] == "1M"
    assert not billing(own, second).keys() & {"read_at", "until"}
    own.control.set(faults=[])
    own.control.clear_log()
    assert read()["meters"] == 1
    assert calls(own) == ALL
    assert len(periods(second)) > 50


def test_when_grdf_is_down_it_stops_soon(own: Any, account_id: str) -> None:
    family(own, account_id, *"abcdefgh")
    own.control.fault("/pce/", status=503, times=99)
    own.control.clear_log()
    with pytest.raises(ServiceUnavailable):
        read()
    assert len(calls(own)) == 5


@pytest.mark.parametrize("named", [False, True])
def test_those_that_always_fail_keep_nobody_from_being_read(own: Any, account_id: str, named: bool) -> None:
    pces = family(own, account_id, *"abcdefghij")
    always, others = list(pces)[:6], list(pces)[6:]
    for name in always:
        own.control.fault(f"/pce/{pces[name]}/", status=503, times=None)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    form = {"params": {"accounts": list(pces) if named else []}}
    for number in range(1, 8):  # two days: each try has an order of its own
        with pytest.raises(ServiceUnavailable):
            task.execute(context(try_number=number) | form)
    assert [name for name in others if not periods(name)] == []
    own.control.set(faults=[])
    task.execute(context(try_number=8) | form)
    assert [name for name in pces if not periods(name)] == []


@pytest.mark.parametrize("named", [False, True])
def test_when_the_quota_is_spent_the_rest_waits(own: Any, account_id: str, named: bool) -> None:
    pces = family(own, account_id, "a", "b", "c")
    for pce in pces.values():
        own.control.fault(f"{pce}/", status=429, times=99)
    own.control.clear_log()
    with pytest.raises(QuotaExceeded):
        read(*(pces if named else ()))
    assert len(calls(own)) == 1
    assert [billing(own, name) for name in pces] == [{}, {}, {}]


def test_our_own_credentials_refused_stops_at_once(own: Any, account_id: str) -> None:
    family(own, account_id, "a", "b")
    own.control.fault("/pce/", status=401, times=99)
    own.control.clear_log()
    with pytest.raises(CredentialsRefused):
        read()
    assert len(calls(own)) == 2, "once more with a new token, and no other account"
