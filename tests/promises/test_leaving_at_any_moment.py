"""A deletion that is killed at any of its requests, and what goes on at the same time, at any moment of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.leaving.steps import delete
from tests.promises.adapter import ACCOUNTS, METERS, RECORDS_OF_DELETIONS

if TYPE_CHECKING:
    from tests.promises.adapter import Document, Town

PCE, OTHER = METERS[0], METERS[1]


def set_up(town: Town) -> Town:
    """Have CouchDB compare revisions of accounts, as our set-up does: a late write makes none that was purged anew."""
    town.couch.databases[ACCOUNTS] = {}
    town.couch.answer("PUT", f"/{ACCOUNTS}/_design/compare-revisions", b"{}")
    return town


def of_it(town: Town, account: str) -> dict[str, int]:
    found = {
        database: sum(account in f"{key} {json.dumps(doc)}" for key, doc in town.documents(database).items())
        for database in town.couch.databases
    }
    return {database: number for database, number in found.items() if number}


def records(town: Town, account: str) -> list[Document]:
    return [each for each in town.documents(RECORDS_OF_DELETIONS).values() if each.get("account") == account]


def assert_gone(town: Town, account: str, pce: str) -> None:
    assert of_it(town, account).keys() <= {RECORDS_OF_DELETIONS}
    assert not any(pce in json.dumps(docs) for docs in town.couch.databases.values())
    assert not (town.staging / account).exists()


def test_killed_at_any_request_and_started_again(town: Town) -> None:
    for number in count(1, 2):
        account, pce = f"home-{number:03}-", METERS[number]
        (right,) = town.connect(account, pce, back=5)
        if number % 4 == 1:
            town.put(account, {"oauth_callback_results": {"consents": "odd"}})  # it names no meter
        kept = {name.replace("-", "."): each for name, each in of_it(town, account).items() if "meter" not in name}
        since = len(town.asked)
        town.kill_at(number)
        died = town.leave(account, tries=1).state == "killed"
        town.kill_at(0)
        if not [each for each in records(town, account) if each["finished_at"]]:
            assert town.leave(account).well, number
        assert_gone(town, account, pce)
        (record,) = records(town, account)
        assert (record["revoked"], record["removed"]) == ([right], kept), number
        assert [each.status for each in town.calls(right, "PATCH", since=since)] == [200], number
        if not died:
            break
    assert number > 30, "it has died many times"


def test_a_run_that_airflow_has_lost_sight_of_keeps_nothing(new_town: Callable[..., Town]) -> None:
    for after in count():
        town = set_up(new_town())
        town.connect("alder", PCE, back=20)
        town.pass_(days=1)
        seen: list[bool] = []

        def gone(town: Town = town, seen: list[bool] = seen) -> None:
            town.jobs.clear()
            seen.append(town.leave("alder").well)

        town.meanwhile(after, gone)
        town.run("alder", "scheduled")
        if not seen:
            break
        assert seen == [True]
        assert_gone(town, "alder", PCE)
    assert after > 8


@pytest.mark.parametrize("keep", [False, True], ids=["removed", "kept"])
@pytest.mark.parametrize("known", [False, True], ids=["first launch", "daily run"])
def test_a_run_that_is_under_way_when_its_household_leaves(
    new_town: Callable[..., Town], known: bool, keep: bool
) -> None:
    for after in count(0, 2):
        town, form, seen = set_up(new_town()), {"keep_data": keep}, list[int]()
        (right,) = town.connect("alder", PCE, back=20, run=known)

        def mark(town: Town = town, form: dict[str, bool] = form, seen: list[int] = seen) -> None:
            delete("alder", form=form, steps=("check", "mark"))
            seen.append(len(town.days("alder", PCE)))

        town.pass_(days=int(known))
        town.meanwhile(after, mark)
        town.run("alder", tries=1)
        if not seen:
            break
        delete("alder", form=form, steps=("revoke", "purge"))
        assert [each["etat_droit_acces"] for each in town.rights(PCE)] == ["Révoquée"], after
        (record,) = records(town, "alder")
        assert (record["revoked"], bool(record["finished_at"])) == ([right], True), after
        if keep:
            assert "leaving" not in town.account("alder")
            assert len(town.days("alder", PCE)) >= seen[0]
        else:
            assert_gone(town, "alder", PCE)
    assert after > 8


@pytest.mark.parametrize("lost", ["database", "document"])
def test_a_run_that_loses_its_account_without_a_deletion_takes_nothing_back(
    new_town: Callable[..., Town], lost: str
) -> None:
    for after in count():
        town = new_town()
        town.connect("alder", PCE, back=20)
        days = town.days("alder", PCE)
        town.pass_(days=1)
        seen: list[bool] = []

        def lose(town: Town = town, seen: list[bool] = seen) -> None:
            databases = town.couch.databases
            seen.append(bool(databases.pop(ACCOUNTS) if lost == "database" else databases[ACCOUNTS].pop("alder")))

        town.meanwhile(after, lose)
        town.run("alder", "scheduled", tries=1)
        assert days.keys() <= town.days("alder", PCE).keys(), after
        if not seen:
            break
    assert after > 8


def test_households_that_come_and_go_during_the_morning_s_check(new_town: Callable[..., Town]) -> None:
    for after in count(0, 2):
        town = set_up(new_town())
        rights = [*town.connect("alder", PCE, back=20), *town.connect("birch", OTHER, back=20)]
        for right in rights:
            town.revoke(right)
        seen: list[bool] = []

        def meanwhile(town: Town = town, seen: list[bool] = seen) -> None:
            seen.append(town.leave("alder").well)
            town.connect("cedar", METERS[2], back=20)

        town.meanwhile(after, meanwhile)
        assert town.check().well
        if not seen:
            break
        assert_gone(town, "alder", PCE)
        assert town.state("birch") == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
        town.mornings()
        assert (town.state("cedar"), bool(town.days("cedar", METERS[2]))) == ("", True), after
    assert after > 3
