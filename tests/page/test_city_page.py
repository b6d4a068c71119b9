"""Groups of households: assigned on the page, published by grdf_city, shown, and without those who have left."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.exports.export_account import ExportAccountOperator
from grdf.operators.exports.export_lake import SECRET, ExportLakeOperator
from grdf.operators.exports.publish_city import PublishCityOperator
from grdf.stores.group_store import GroupStore
from include.gas.account.marks import with_leaving
from include.gas.account.status import Status
from include.gas.answers.access_rights import Role
from include.gas.answers.consumption.daily import Reading
from include.gas.city.figures import last_settled_month
from include.gas.documents.day_documents import day_document, month_id
from include.gas.documents.doctypes import CITY, DAY, MONTH
from include.gas.documents.totals import bare_total
from include.gas.errors import BadSettings
from include.gas.lake.rows import Pseudonyms
from include.gas.rights.meter_rights import MeterAccess
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.helpers import context, known_account
from tests.leaving.household import alone
from tests.leaving.steps import delete

MONTHS = 14


def run(operator: Any, **more: Any) -> dict[str, int]:
    from airflow.sdk import DAG

    return dict(operator(dag=DAG("steps", schedule=None), **more).execute(context(run_type="manual")))


def publish() -> dict[str, int]:
    return run(PublishCityOperator, task_id="publish_city")


def months(today: date) -> list[date]:
    found = [last_settled_month(today)]
    while len(found) < MONTHS:
        found.append((found[-1].replace(day=1) - (date(2024, 1, 2) - date(2024, 1, 1))).replace(day=1))
    return found


@pytest.fixture
def homes(clean: LocalWorld, today: date) -> list[str]:
    couch = alone(clean)
    couch.remove(CITY, *couch.documents(CITY))
    couchdb, names = CouchDBHook(), [f"flat-{number:02}" for number in range(24)]
    for place, name in enumerate(names):
        pce = f"0999999{6_500_000 + place}"
        clean.book.save({"_id": name, "account_type": "grdfgrandlyon", "oauth": {},
                         "oauth_callback_results": {"pce_id": pce, "consents": []}})  # fmt: skip
        totals = []
        for month in months(today):
            days = ((month.replace(day=28) + (date(2024, 1, 5) - date(2024, 1, 1))).replace(day=1) - month).days
            load = (800 if month.year == today.year else 1000) + place
            totals.append(bare_total(month_id(name, pce, month.year, month.month), load, days))
        couchdb.write(MONTH, totals)
    return names


def put(site: Site, rows: list[tuple[str, ...]]) -> Any:
    text = "\n".join(",".join(row) for row in [("account", "postcode", "programme"), *rows])
    return site.browser("admin").post("/import/upload", files=[("file", ("groups.csv", text.encode("utf-8-sig")))])


def figures(site: Site) -> list[dict[str, str]]:
    answer = site.browser("viewer").get("/city.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_groups_are_assigned_published_and_shown(
    clean: LocalWorld, site: Site, today: date, homes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = put(
        site, [(name, "69003", "p" * (place < 11)) for place, name in enumerate(homes)] + [("nobody", "69001", "")]
    )
    assert "Accounts assigned to groups: 24. Unknown, or not visible to you: 1." in answer.text
    couchdb = CouchDBHook()
    assert not couchdb.get(CITY, "nobody:groups"), "no one would remove it"
    assert "Of them in another group before: 1." in put(site, [(homes[0], "69004", "p")]).text
    put(site, [(homes[0], "69003", "p")])
    leaving, building = clean.book.get(homes[23]), clean.book.get(homes[22])
    pce = "09999996500022"
    clean.book.save(with_leaving(leaving or {}, by="a", since=datetime.now(UTC)))
    own = MeterAccess(pce=pce, role=Role.OWN_SUPPLY)
    clean.book.save(Status.with_access(building or {}, [own]))
    assert publish() == {"postcode": MONTHS, "programme": MONTHS}
    assert publish() == {}
    assert couchdb.get(CITY, f"{homes[0]}:groups")["counted"][f"{last_settled_month(today):%Y-%m}"] in (800, 1000)
    found = figures(site)
    newest = max(
        (each for each in found if each["dimension"] == "postcode"), key=lambda e: (int(e["year"]), int(e["month"]))
    )
    assert (newest["households"], newest["assigned"]) == ("22", "22"), "without who leaves, and a building"
    assert newest["compared_households"] == "22"
    each_uses = 800 if int(newest["year"]) == today.year else 1000
    assert newest["kwh"] == str(sum(each_uses + place for place in range(22)))
    as_parquet = parquet.read_table(io.BytesIO(site.browser("viewer").get("/city.parquet").content)).to_pylist()
    assert [
        {name: "" if each[name] is None else str(each[name]).removesuffix(".0") for name in each} for each in as_parquet
    ] == found
    page = site.browser("viewer").get("/city?dimension=programme&group=p").text
    assert "kWh per household" in page
    assert "<svg" in page
    assert "69003" in site.browser("viewer").get("/city").text
    admin = site.browser("admin")
    assert admin.post(f"/accounts/{homes[0]}/groups", data={"postcode": "69004"}).status_code == 303
    assert GroupStore(CouchDBHook()).read_groups(homes[0])["postcode"] == "69004"
    assert "69004" in admin.get(f"/accounts/{homes[0]}").text


def test_the_weather_is_taken_out_and_an_effect_worked_out(
    site: Site, today: date, homes: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, days = tmp_path / "days.csv", []
    for month in [*months(today), *(each.replace(year=each.year - 2) for each in months(today))]:
        days += [f"{month.replace(day=day)},{abs(month.month - 7)},{abs(month.month - 7) + 4}" for day in range(1, 29)]
    put(site, [(name, "69003", "p" * (place < 12)) for place, name in enumerate(homes)])
    monkeypatch.setenv("AIRFLOW__GRDF__WEATHER_URL", f"file://{file}")
    with pytest.raises(BadSettings, match="weather_url"):
        publish()
    assert figures(site), "the figures do not wait for the weather"
    file.write_text("\n".join(["date,min,max", *days]))
    publish()
    browser = site.browser("viewer")
    assert "Weather-normalised" in browser.get("/city?dimension=programme&group=p").text
    asked = f"first={months(today)[1]:%Y-%m}&last={months(today)[1]:%Y-%m}&against=postcode:69003"
    assert "of the year after the renovation" in browser.get(f"/city?dimension=programme&group=p&{asked}").text


def test_who_leaves_is_in_nothing_that_is_exported_later(
    clean: LocalWorld, site: Site, today: date, homes: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__LAKE_URL", f"file://{tmp_path}/lake")
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    monkeypatch.setenv(f"AIRFLOW_VAR_{SECRET.upper()}", "an invented secret")
    couchdb, pseudonyms = CouchDBHook(), Pseudonyms("an invented secret")
    leaver, stayer = homes[3], homes[4]
    for name in (leaver, stayer):
        (pce,) = known_account(clean, name)
        couchdb.write(DAY, [day_document(name, Reading(today - timedelta(days=9), 17), pce, datetime.now(UTC))])
    put(site, [(name, "69003", "") for name in homes])

    def export() -> str:
        publish()
        run(ExportLakeOperator, task_id="export_lake")
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        rows = [parquet.read_table(file).to_pylist() for file in files if file.suffix == ".parquet"]
        return str([*rows, *files, *(file.read_bytes() for file in files), *couchdb.scan(CITY)])

    for name in (leaver, stayer):
        run(ExportAccountOperator, task_id="export", account_id=name)
    told, token = export(), (couchdb.get(CITY, f"{leaver}:groups") or {})["token"]
    names = {name: (name, pseudonyms[name]) for name in (leaver, stayer)}
    assert all(word in told for of_it in names.values() for word in of_it)
    before = figures(site)
    delete(leaver)
    told = export()
    assert [[word in told for word in names[name]] for name in (leaver, stayer)] == [[False] * 2, [True] * 2]
    assert token in told, "it still guards what was published"
    assert figures(site) == before
