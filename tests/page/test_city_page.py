"""Groups of households: assigned on the page, published by grdf_city, shown, and without those who have left."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.group_store import GroupStore
from include.gas.account.marks import with_leaving
from include.gas.account.status import Status
from include.gas.answers.access_rights import Role
from include.gas.city.figures import last_settled_month
from include.gas.documents.day_documents import month_id
from include.gas.documents.doctypes import CITY, GROUP, MONTH
from include.gas.documents.totals import bare_total
from include.gas.errors import BadSettings
from include.gas.rights.meter_rights import MeterAccess
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.helpers import context, known_account
from tests.leaving.household import alone
from tests.leaving.steps import delete

MONTHS = 14


def publish() -> dict[str, int]:
    from airflow.sdk import DAG

    from grdf.operators.exports.publish_city import PublishCityOperator

    operator = PublishCityOperator(task_id="publish_city", dag=DAG("steps", schedule=None))
    return dict(operator.execute(context()))


def months(today: date) -> list[date]:
    found = [last_settled_month(today)]
    while len(found) < MONTHS:
        found.append((found[-1].replace(day=1) - (date(2024, 1, 2) - date(2024, 1, 1))).replace(day=1))
    return found


@pytest.fixture
def homes(clean: LocalWorld, today: date) -> list[str]:
    alone(clean)
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
    return site.browser("admin").post("/import/upload", files=[("file", ("groups.csv", text.encode()))])


def figures(site: Site) -> list[dict[str, str]]:
    answer = site.browser("viewer").get("/city.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_groups_are_assigned_published_and_shown(
    clean: LocalWorld, site: Site, today: date, homes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = put(
        site, [(name, "69003", "p" * (place < 11)) for place, name in enumerate(homes)] + [("nobody", "1", "")]
    )
    assert "Groups were assigned to 24 accounts. Unknown, or not visible to you: 1." in answer.text
    assert not CouchDBHook().get(GROUP, "nobody:groups"), "no one would remove it"
    leaving, building = clean.book.get(homes[23]), clean.book.get(homes[22])
    pce = "09999996500022"
    clean.book.save(with_leaving(leaving or {}, by="a", since=datetime.now(UTC)))
    own = MeterAccess(pce=pce, role=Role.OWN_SUPPLY)
    clean.book.save(Status.with_access(building or {}, [own]))
    assert publish() == {"postcode": MONTHS, "programme": MONTHS}
    assert publish() == {}
    found = figures(site)
    newest = max(
        (each for each in found if each["dimension"] == "postcode"), key=lambda e: (int(e["year"]), int(e["month"]))
    )
    assert (newest["households"], newest["assigned"]) == ("22", "22"), "without who leaves, and a building"
    assert newest["compared_households"] == "22"
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


def test_who_leaves_is_in_no_later_figure_and_nothing_names_it(clean: LocalWorld, site: Site, homes: list[str]) -> None:
    known_account(clean, homes[3])
    put(site, [(name, "69003", "") for name in homes])
    publish()
    couchdb = CouchDBHook()
    token = couchdb.get(GROUP, f"{homes[3]}:groups")["token"]  # type: ignore[index]
    delete(homes[3])
    assert couchdb.get(GROUP, f"{homes[3]}:groups") is None
    assert homes[3] not in str([*couchdb.scan(GROUP), *couchdb.scan(CITY)])
    assert token in str([*couchdb.scan(CITY)]), "it still guards what was published"
    before = figures(site)
    assert publish() == {}
    assert figures(site) == before
