"""Adoption in a real CouchDB of what the reimplemented konnector stored, interrupted at each request and restarted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.marks import with_leaving
from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DAY, MONTH, YEAR
from include.gas.errors import AccountLeaving, BadAccount, BadRequest
from include.gas.leaving.deletion import Order, begun, open_record
from tests.couch_places import Place
from tests.konnector import Konnector
from tests.konnector_house import DOCTYPES, PCE, House, adopt, numbers
from tests.runs.runner import Worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

FIRST = date(2023, 12, 20)
DAYS = 30


@pytest.fixture
def house(world: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(world, monkeypatch)
    yield made
    made.place.remove()


@pytest.fixture(scope="module")
def konnectors(world: LocalWorld) -> dict[str, list[dict[str, Any]]]:
    """What the konnector leaves after 30 days and a missed correction, with the damage that is known to occur.

    The total of one month counts some days twice, another one and its year have day 0, one day exists twice, and there
    are months and a year that are older than any day.
    """
    place = Place(world.couch.url, (world.couch.user, world.couch.password), f"adopt-konnector-{next(numbers)}/")
    place.create(*DOCTYPES)
    konnector = Konnector(place)
    readings = [Reading(FIRST + timedelta(days=n), 40 + n) for n in range(DAYS)]
    konnector.load(readings[:25])
    konnector.load(readings)
    konnector.close()
    found = {doctype: place.documents(doctype) for doctype in DOCTYPES}
    place.remove()
    for document in found[MONTH]:
        if document["month"] == 12:
            document["load"] += 41
        else:
            document["day"] = 0
    for document in found[YEAR]:
        document |= {"day": 0, "month": 0}
    twin = copy.deepcopy(found[DAY][0]) | {"_id": "twin"}
    old = {"load": 310.25, "year": 2020, "month": 11, "day": 0, "hour": 0, "minute": 0}
    found[DAY].append(twin)
    found[MONTH].append({"_id": "month-2020", **old})
    found[YEAR].append({"_id": "year-2020", **old, "month": 1})
    return {doctype: [_without_rev(each) for each in documents] for doctype, documents in found.items()}


def _without_rev(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_rev"}


@pytest.fixture
def filled(house: House, konnectors: dict[str, list[dict[str, Any]]]) -> House:
    """The konnector's documents, and five days of the project's own, one of which has been corrected since."""
    fill(house, konnectors)
    return house


def fill(house: House, konnectors: dict[str, list[dict[str, Any]]]) -> None:
    for doctype, documents in konnectors.items():
        house.put(doctype, documents)
    house.load({FIRST + timedelta(days=n): 40 + n + (n == 27) for n in range(26, 32)})


def assert_adopted(house: House) -> None:
    assert house.theirs() == []
    days = house.own(DAY)
    expected = {(FIRST + timedelta(days=n)).isoformat(): 40 + n + (n == 27) for n in range(32)}
    assert {day: each["load"] for day, each in days.items()} == expected
    assert len(house.documents(DAY)) == len(expected)
    assert {day for day, each in days.items() if each["status"] == "definitive"} == set(list(expected)[26:])
    for doctype, size in ((MONTH, 7), (YEAR, 4)):
        sums: dict[str, list[int]] = {}
        for day, load in expected.items():
            sums.setdefault(day[:size], []).append(load)
        totals = {period: (each["load"], each["days"]) for period, each in house.own(doctype).items()}
        alone = {"2020-11"[:size]: (310.25, 0)}
        assert totals == {period: (sum(loads), len(loads)) for period, loads in sums.items()} | alone


def test_dry_run_tells_all_and_writes_nothing(filled: House) -> None:
    before = filled.revisions()
    told = adopt(dry_run=True)
    assert filled.revisions() == before
    assert told == {
        "account": "home", "dry_run": True, "days_adopted": 26, "days_ours": 4, "totals_kept": 2, "totals_ours": 4,
        "duplicates": 1, "foreign": 0, "uncovered": 0,
    }  # fmt: skip
    done = adopt()
    assert {**done, "dry_run": True}.items() >= told.items()
    assert done["changes"]["days"][0] == "2023-12-20"
    assert done["removed"] == 37


def test_after_it_there_is_one_document_per_day_and_totals_are_right(filled: House) -> None:
    adopt()
    assert_adopted(filled)
    before = filled.revisions()
    again = adopt()
    assert filled.revisions() == before, "twice is once"
    assert again["removed"] == again["days_adopted"] == 0
    filled.load({FIRST: 99})
    assert filled.own(DAY)[FIRST.isoformat()]["load"] == 99, "GRDF's next word stands"
    assert filled.own(MONTH)["2023-12"]["load"] == 546 + 59


def test_an_odd_document_is_named_and_nothing_is_changed(filled: House) -> None:
    filled.put(DAY, [{"_id": "odd", "load": None, "year": 2024, "month": 1, "day": 1}])
    before = filled.revisions()
    with pytest.raises(BadRequest, match="is neither ours nor one that the konnector writes"):
        adopt()
    assert filled.revisions() == before


# -- whose they are ----------------------------------------------------------------------------------------------------


def test_documents_written_for_another_account_stay(house: House) -> None:
    house.put_account("neighbour")
    day = {"load": 5, "year": 2024, "month": 1, "day": 1, "cozyMetadata": {"sourceAccount": "neighbour"}}
    house.put(DAY, [{"_id": "theirs", **day}, {"_id": "nobodys", **day, "load": 7, "cozyMetadata": {}}])
    done = adopt()
    assert (done["foreign"], done["days_adopted"], done["removed"]) == (1, 1, 1)
    assert [each["_id"] for each in house.theirs()] == ["theirs"]
    assert adopt("neighbour")["days_adopted"] == 1
    loads = {each["_id"]: each["load"] for each in house.documents(DAY)}
    assert loads == {f"home:{PCE}:2024-01-01": 7, f"neighbour:{PCE}:2024-01-01": 5}


def test_forms_that_are_refused(filled: House) -> None:
    filled.put_account("new", oauth_callback_results={})
    filled.put_account("other", account_type="enedis")
    leaving = with_leaving({}, by="someone", since=datetime.now(UTC))
    filled.put_account("going", **leaving)
    before = filled.revisions()
    for account, dry_run, error, why in (
        ("", True, BadAccount, "no such account"),
        ("a:b", True, BadAccount, "no such account"),
        ("unknown", False, BadAccount, "no such account"),
        ("other", False, BadAccount, "account_type is not"),
        ("new", False, BadAccount, "its meter is not known yet. Nothing was changed. Let its own DAG run once"),
        ("going", False, AccountLeaving, "it is leaving"),
    ):
        with pytest.raises(error, match=why):
            adopt(account, dry_run=dry_run)
    assert filled.revisions() == before


def deletion(account: str, at: datetime) -> dict[str, Any]:
    """Return the record of a deletion that has begun."""
    order = Order(run="r", started="", asked_by="me", keep_data=False)
    return begun(open_record(account, []), order, at)


@pytest.mark.parametrize("deleted", [True, False])
def test_a_household_that_leaves_meanwhile(filled: House, monkeypatch: pytest.MonkeyPatch, deleted: bool) -> None:
    """After a deletion that began and ended while days were stored, none of the new documents stay; the konnector's do.

    Without a deletion's record, the account is lost, and the new documents stay as well.
    """
    from grdf.operators import adopt as module

    real, theirs = module.adopt, len(filled.theirs())

    def interrupted(*args: Any) -> Any:
        report = real(*args)
        (document,) = filled.documents(ACCOUNT)
        filled.put(ACCOUNT, [{**document, "_deleted": True}])
        if deleted:
            filled.place.create(AUDIT)
            filled.put(AUDIT, [deletion("home", datetime.now(UTC))])
        return report

    monkeypatch.setattr(module, "adopt", interrupted)
    with pytest.raises(BadAccount, match="no such account"):
        adopt()
    assert len(filled.theirs()) == theirs
    assert [bool(filled.own(doctype)) for doctype in DOCTYPES] == [not deleted] * len(DOCTYPES)


WRITTEN = {"load": 5, "year": 2024, "month": 1, "day": 1, "price": 3.5}


def put(house: House, source: str) -> None:
    house.put(DAY, [{"_id": f"of-{source}", **WRITTEN, "cozyMetadata": {"sourceAccount": source}}])


def test_its_documents_stay_as_those_of_a_household_that_is_here(house: House) -> None:
    put(house, "departed")
    house.place.create(AUDIT)
    long_ago = datetime(2024, 3, 1, tzinfo=UTC)
    house.put(AUDIT, [deletion("departed", long_ago)])
    done = adopt()
    assert (done["foreign"], done["days_adopted"]) == (1, 0)
    assert house.own(DAY) == {}
    assert [each["_id"] for each in house.theirs()] == ["of-departed"]


def test_an_account_that_nobody_knows_may_be_its_own_former_one(house: House) -> None:
    """A household that connects here anew has another account than in its Cozy."""
    put(house, "in-its-cozy")
    done = adopt()
    assert (done["foreign"], done["days_adopted"], done["removed"]) == (0, 1, 1)


# -- the DAG -----------------------------------------------------------------------------------------------------------


def test_the_dag_is_a_dry_run_unless_told_otherwise(
    filled: House, world: LocalWorld, airflow_home: Path, tmp_path: Path
) -> None:
    env = {"AIRFLOW_CONN_COUCHDB": filled.connection()}
    before = filled.revisions()
    running = Worker(tmp_path / "worker.log", world)
    try:
        dry = running.ask("run_named", env, dag_id="grdf_adopt_konnector", conf={"account": "home"})
        assert (dry["state"], dry["tasks"]) == ("success", {"adopt": "success"})
        assert filled.revisions() == before
        log = (tmp_path / "worker.log").read_text(encoding="utf-8")
        assert "26 days adopted" in log
        assert "dry run, nothing was written or removed" in log
        conf = {"account": "home", "dry_run": False}
        run = running.ask("run_named", env, dag_id="grdf_adopt_konnector", conf=conf)
        assert run["state"] == "success"
    finally:
        running.stop()
    assert_adopted(filled)


def test_the_meter_is_the_one_that_the_konnector_noted(house: House) -> None:
    consents = [{"pce": "09900000000033"}, {"pce": PCE}]
    house.put_account("two", oauth_callback_results={"pce_id": PCE, "consents": consents})
    house.put_account("renewed", oauth_callback_results={"pce_id": "", "consents": consents})
    for account, pce in (("two", PCE), ("renewed", "09900000000033")):
        house.put(DAY, [{"_id": "x" + account, "load": 5, "year": 2024, "month": 1, "day": 1}])
        adopt(account)
        assert f"{account}:{pce}:2024-01-01" in [each["_id"] for each in house.documents(DAY)]
