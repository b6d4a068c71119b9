"""Promise 23: the look cannot be silenced: whatever one part of it meets is a finding, and the mail goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from airflow.sdk import BaseNotifier

from tests.promises.adapter import ACCOUNTS, DAYS, METERS, RIGHTS, Town

PCE = METERS[0]
LEASE = "com-grandlyon-grdf-lease"
COZY = "com-grandlyon-fluidsprices"


class Letterbox(BaseNotifier):
    letters: ClassVar[list[str]] = []

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        self.letters.append(self.text)


@pytest.fixture
def letters(town: Town) -> Iterator[list[str]]:
    town.set(alert_notifier=f"{__name__}.{Letterbox.__name__}")
    Letterbox.letters.clear()
    yield Letterbox.letters
    Letterbox.letters.clear()


def cozy_price(town: Town, price: float = 0.1, end: str | None = None) -> None:
    document = {"_id": "price", "_rev": "1-0", "fluidType": 2, "price": price, "startDate": "2024-01-01T00:00:00.000Z"}
    town.couch.databases[COZY] = {"price": document | {"endDate": end}}


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:00.000Z", "2999-12-31T23:59:00.000Z"])
def test_a_price_without_an_end_holds_however_that_is_written(town: Town, letters: list[str], end: str) -> None:
    cozy_price(town, end=end)
    town.connect("alder", PCE)
    assert town.run_dag("grdf_prices").state == "success"
    town.mornings(2)
    assert "prices" not in town.health().text
    assert letters == []
    assert all(day["price"] == pytest.approx(day["load"] / 10) for day in town.documents(DAYS).values())


def test_a_price_that_cannot_be_read_is_named_and_the_mail_goes(town: Town, letters: list[str], tmp_path: Path) -> None:
    town.connect("alder", PCE)
    town.mornings(2)
    file = tmp_path / "prices.csv"
    file.write_text("first,end,price\n2026-01-01,,0.1\n2026-02-01,," + "9" * 200_000 + "\n")
    town.set(price_file=file)
    taken = town.run_dag("grdf_prices")
    assert "line 3" in taken.text
    town.health()
    assert "line 3" in letters[0]
    assert "999999" not in "".join([taken.text, *letters])
    first = {"_id": "~", "_rev": "1-0", "fluidType": 2, "startDate": "0001-01-01T00:00:00+09:00"}
    town.couch.databases[COZY] = {"~": first}
    town.set(price_file="")
    assert "document ~" in town.run_dag("grdf_prices").text
    town.health()
    assert "document ~" in letters[-1]


def test_whose_days_grdf_fails_on_is_not_called_unread_by_us(town: Town) -> None:
    town.connect("alder", PCE, back=40)
    town.connect("birch", METERS[1], back=40)
    town.connect("cedar", METERS[2], back=40)
    town.mornings(2)
    town.odd(PCE, lines={"partial": {"from": str(town.ago(2)), "times": None}})
    town.mornings(7)
    said = town.health().text
    assert "alone: 1 of 3 accounts are silent, each by itself. New: alder (newest day" in said
    assert "unread" not in said
    assert "our fault" not in str(town.account("alder"))
    (why,) = [each["late"]["cause"] for each in town.account("alder")["status"]["freshness"].values()]
    assert why == "meter"


def test_whose_days_are_stored_is_not_silent_after_its_document_was_restored(town: Town) -> None:
    town.connect("alder", PCE, back=40)
    town.connect("birch", METERS[1], back=40)
    town.mornings(2)
    former = town.backup()[ACCOUNTS]
    town.mornings(9)
    town.couch.databases[ACCOUNTS] = former
    said = town.health().text
    assert "silent" not in said, said


def test_whose_answers_are_not_stored_is_unread(town: Town) -> None:
    for number, account in enumerate(("alder", "birch", "cedar")):
        town.connect(account, METERS[number], back=40)
    town.mornings(2)
    town.last["alder"] = town.today + timedelta(days=30)  # its DAG starts no run
    town.mornings(7)
    assert "unread: 1 of 3 accounts are silent, because we do not read them. New: alder" in town.health().text


def test_who_does_not_fit_into_the_mail_is_in_it_by_group(town: Town, letters: list[str]) -> None:
    accounts = [f"home{number:02}" for number in range(24)]
    for number, account in enumerate(accounts):
        town.connect(account, METERS[number], back=20)
    town.mornings(1)
    for account in accounts[1:]:
        town.last[account] = town.today + timedelta(days=30)  # their DAGs start no run
    town.mornings(7)
    town.health()
    assert re.search(r"; 3 more \(newest day 2026-\d\d-\d\d, no answer of GRDF", letters[-1]), letters[-1]


DAMAGES: tuple[Any, ...] = (None, 7, "", [], {}, {"prices": None}, {"prices": [{"first": 3}]}, {"grdf_adict": 7})


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
@pytest.mark.parametrize(("database", "key"), [(RIGHTS, "~prices"), (LEASE, "rights-asked")])
def test_what_is_derived_and_damaged_stops_nobody_and_is_made_anew(
    town: Town, database: str, key: str, damage: Any
) -> None:
    cozy_price(town)
    town.connect("alder", PCE)
    town.run_dag("grdf_prices")
    town.mornings(2)
    good = town.documents(database)[key]
    parts = damage if isinstance(damage, dict) else {"prices": damage, "grdf_adict": damage}
    town.couch.databases[database][key] = {"_id": key, "_rev": good["_rev"], **parts}
    assert town.run("alder").well
    assert "broken" not in town.health().text
    assert town.run_dag("grdf_prices").well
    assert town.check().well
    town.mornings(1)
    assert town.documents(database)[key].keys() >= good.keys() - {"_id", "_rev"}
    assert "damaged" not in town.health().text
    assert all(day["price"] == pytest.approx(day["load"] / 10) for day in town.documents(DAYS).values())


@pytest.mark.parametrize(("database", "key"), [(RIGHTS, "~prices"), (LEASE, "rights-asked")])
def test_one_finding_says_what_is_damaged(town: Town, letters: list[str], database: str, key: str) -> None:
    cozy_price(town)
    town.connect("alder", PCE)
    town.run_dag("grdf_prices")
    town.mornings(2)
    town.couch.databases[database][key] |= {"prices": 7, "grdf_adict": 7}
    town.health()
    assert letters[-1].count(f"cannot be read, and count as absent: {key}") == 1


DAMAGED_ENTRIES: tuple[Any, ...] = (7, "", [], {PCE: "?"}, {PCE: {"years": 7, "word": 7, "newest": 7, "until": 7}})
PARTS_OF_STATUS = ("meters", "readings", "freshness", "billing")


@pytest.mark.parametrize(
    ("part", "damage"),
    [("", 7), ("", []), *((part, damage) for part in PARTS_OF_STATUS for damage in DAMAGED_ENTRIES)],
    ids=str,
)
def test_a_damaged_status_counts_as_absent_and_is_written_anew(
    town: Town, letters: list[str], part: str, damage: Any
) -> None:
    first = town.ago(20)
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    good = town.account("alder")["status"]
    town.put("alder", {"status": good | {part: damage} if part else damage})
    town.health()
    assert "cannot be read, and count as absent: the status of alder" in letters[-1]
    town.mornings(2)
    assert town.account("alder")["status"]["meters"] == good["meters"]
    assert town.account("alder")["status"]["readings"].keys() == good["readings"].keys()
    assert town.wrong("alder", PCE, first) == []


def test_an_export_that_fails_is_named_once_until_it_is_well(town: Town, letters: list[str]) -> None:
    town.connect("alder", PCE)
    town.mornings(2)
    assert town.run_dag("grdf_city", "scheduled").well
    assert town.health().well
    town.mornings()
    town.set(smallest_group="many")
    assert not town.run_dag("grdf_city", "scheduled").well
    town.set(smallest_group=11)
    said = town.health()
    assert said.well, "it calls nobody by a red check"
    assert "export: The last run has failed of grdf_city" in said.text
    assert "New: grdf_city" in letters[-1]
    town.mornings()
    assert town.run_dag("grdf_city", "manual").well
    assert "export:" not in town.health().text
