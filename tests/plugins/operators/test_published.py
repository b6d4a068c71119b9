"""The monthly reading, executed directly: what it stores of one account, and what accounts do to one another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.read_published import ReadPublishedOperator
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import DAY, PUBLISHED
from include.gas.errors import CredentialsRefused, QuotaExceeded, ServiceUnavailable
from tests.helpers import connect_cozy, context, known_account, with_memory_shelf, yesterday
from tests.leaving.runs import check, extract, load
from tests.plugins.steps import billing, document, periods
from tests.plugins.steps import read_published as read

ALL = ["donnees_contractuelles", "donnees_techniques", "donnees_consos_publiees"]
LEAVING = {"run": "r", "by": "someone", "since": "2024-01-01T00:00:00Z"}

pytestmark = pytest.mark.usefixtures("home")


def change(world: Any, account: str, **fields: Any) -> None:
    world.book.save(document(world, account) | fields)


def month_later(world: Any, account: str) -> None:
    said = document(world, account)
    for entry in said["status"]["billing"].values():
        entry["read_at"] = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    world.book.save(said)


def calls(world: Any) -> list[str]:
    log = world.control.log()
    world.control.clear_log()
    return [call["path"].rpartition("/")[2] for call in log if not call["path"].endswith("/access_token")]


def test_periods_are_five_years_deep_and_compared_with_the_days(own: Any, account_id: str) -> None:
    (pce,) = known_account(own, account_id, history=False)
    load(account_id, extract(account_id, yesterday(own), try_number=1))
    calls(own)
    counts = read(account_id)
    assert calls(own) == ALL
    found = periods(account_id)
    assert counts["new"] == len(found) >= 57
    assert found[0]["first"] <= (own.control.today() - timedelta(days=5 * 365 - 62)).isoformat()
    assert all(before["end"] == after["first"] for before, after in pairwise(found))
    newest = found[-1]
    assert newest["_id"] == f"{account_id}:{pce}:{newest['first']}"
    assert (newest["day"], newest["status"], newest["reason"]) == (1, "definitive", "RNO")
    said = billing(own, account_id)
    assert (said["frequency"], said["until"], "refused" in said) == ("1M", newest["end"], False)
    assert said["contract"]["tariff"] in ("T1", "T2")
    assert isinstance(said["contract"]["car"], int)
    assert "RUE" not in json.dumps(document(own, account_id)), "the address stays at GRDF"
    couchdb = CouchDBHook()
    compared = compare_all(found, couchdb.range(DAY, *account_range(account_id)))
    assert not [each for each in compared if each.beyond_rounding]
    couchdb.write(PUBLISHED, [{**found[3], "_deleted": True}])
    month_later(own, account_id)
    assert read()["new"] == 1, "what CouchDB has lost comes within the month"
    assert [each["first"] for each in periods(account_id)] == [each["first"] for each in found]


def test_what_the_consent_leaves_out_is_noted_and_no_error(own: Any, account_id: str) -> None:
    known_account(own, account_id, perimeters=["informatives"])
    assert read(account_id) == {"meters": 1}
    refused = billing(own, account_id)["refused"]
    assert calls(own) == ALL
    assert [data for data in ("contract", "technical", "published") if f"does not include the {data}" in refused]
    assert refused.count("does not include") == 3
    assert not document(own, account_id).get("state"), "its daily data are read all the same"
    assert (read(), calls(own)) == ({}, []), "asked again next month"


def test_a_household_that_leaves_while_grdf_is_asked_keeps_nothing(
    own: Any, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_account(own, account_id)
    ask = AdictHook.published_lines

    def meanwhile(self: Any, *arguments: Any, **more: Any) -> Any:
        change(own, account_id, leaving=LEAVING)
        return ask(self, *arguments, **more)

    monkeypatch.setattr(AdictHook, "published_lines", meanwhile)
    assert read(account_id) == {"unchanged": 1}
    assert (periods(account_id), billing(own, account_id)) == ([], {})


def family(world: Any, account_id: str, names: str) -> dict[str, str]:
    number = int(account_id.rpartition("-")[2]) * 10
    ids = [f"{name}-{number + n}" for n, name in enumerate(names)]
    return {each: known_account(world, each)[0] for each in ids}


def test_accounts_that_are_not_read(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "abcd")
    leaving, over, odd, _ = pces
    young = f"young-{account_id}9"
    change(own, leaving, leaving=LEAVING)
    (right,) = (each for each in own.control.consents() if each["id_pce"] == pces[over])
    own.control.revoke(right["id_droit_acces"])
    check()
    change(own, odd, oauth_callback_results={"consents": "none"})
    connect_cozy(own, young)
    assert read(over) == {"meters": 1}, "there is nothing to remove"
    before = {name: document(own, name) for name in (leaving, over, young, odd)}
    calls(own)
    counts = read()
    assert (counts["meters"], counts["unchanged"], calls(own)) == (1, 1, ALL)
    assert read(leaving, young, odd, "not-there") == {"unchanged": 3}
    assert {name: document(own, name) for name in before} == before
    assert not any(periods(name) for name in before)


@pytest.mark.parametrize(
    ("names", "fault", "error", "made"),
    [
        ("abcdefgh", {"status": 503}, ServiceUnavailable, 5), ("abc", {"status": 429}, QuotaExceeded, 1),
        ("ab", {"status": 401}, CredentialsRefused, 2),  # once more with a new token, and no other account
    ],
)  # fmt: skip
def test_what_concerns_everybody_stops_soon(
    own: Any, account_id: str, names: str, fault: dict[str, Any], error: type[Exception], made: int
) -> None:
    pces = family(own, account_id, names)
    own.control.fault("/pce/", **fault, times=99)
    with pytest.raises(error):
        read()
    assert len(calls(own)) == made
    assert [billing(own, name) for name in pces] == [{}] * len(names)


def test_those_that_fail_keep_nobody_from_being_read_and_keep_their_turn(own: Any, account_id: str) -> None:
    pces = family(own, account_id, "abcdefgh")
    always, others = list(pces)[:6], list(pces)[6:]
    for name in always:
        own.control.fault(f"/pce/{pces[name]}/", status=503, times=None)
    task = with_memory_shelf(ReadPublishedOperator(task_id="read_published"))
    for number in range(1, 8):  # two days: each try has an order of its own
        with pytest.raises(ServiceUnavailable):
            task.execute(context(try_number=number))
    assert [name for name in others if not periods(name)] == []
    own.control.set(faults=[])
    task.execute(context(try_number=8))
    assert [name for name in pces if not periods(name)] == []
