"""What gas costs, from an operator's file to the stored days and the account's page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.operators.load import LoadOperator
from grdf.operators.take_prices import TakePricesOperator
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import DAY, MONTH, PRICES
from include.gas.errors import BadRequest, BadSettings
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.helpers import context, known_account, yesterday
from tests.leaving.runs import acquire, extract


def take_prices() -> int:
    return int(TakePricesOperator(task_id="take_prices").execute(context()))


@pytest.fixture
def price_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__GRDF__PRICE_FILE", str(tmp_path / "prices.csv"))
    return tmp_path / "prices.csv"


def test_a_price_file_prices_all_days_of_the_next_run(
    clean: LocalWorld, account_id: str, price_file: Path, door: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    last, couchdb, requests = yesterday(clean), CouchDBHook(), list[int]()
    known_account(clean, account_id, conso_debut=str(last - timedelta(days=20)))

    def run() -> list[dict[str, Any]]:
        acquire(account_id)
        staged = extract(account_id, last, try_number=1, run_id="again")
        task = LoadOperator(task_id="load", account_id=account_id, staged=staged)
        task.execute(context(run_id="again"))
        requests.append(task.couchdb.requests_sent)
        return couchdb.range(DAY, *account_range(account_id))

    days = run()
    assert run() == days
    assert [day for day in days if "price" in day] == []
    with pytest.raises(BadSettings, match=r"prices\.csv"):
        take_prices()
    price_file.write_text(f"first,end,price\n2012-01-01,,0.05\n{last},,0.1\n")
    assert take_prices() == 2
    assert {day["_id"]: day["price"] for day in run()} == {
        day["_id"]: round(day["load"] * (0.1 if day["_id"].endswith(str(last)) else 0.05), 6) for day in days
    }
    price_file.write_text("first,end,price\n2012-01-01,2013-01-01,0.05\n2013-01-02,,0.1\n")
    with pytest.raises(BadRequest, match="line 3"):
        take_prices()
    monkeypatch.delenv("AIRFLOW__GRDF__PRICE_FILE")
    for each in list(couchdb.scan(PRICES)):
        couchdb.write(PRICES, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True}])
    with pytest.raises(BadRequest, match="no price of gas any more"):
        take_prices()
    monkeypatch.setenv("AIRFLOW__GRDF__PRICE_FILE", str(price_file))
    price_file.write_text("first,end,price\n2012-01-01,,0.2\n")
    assert take_prices() == 1
    assert [each["price"] for each in couchdb.scan(PRICES)] == [0.2]
    assert "~prices" not in {meter.pce for meter in Ledger(couchdb).all_meters()}
    assert {day["price"] for day in run()} == {round(day["load"] * 0.2, 6) for day in days}
    run()
    assert requests[-1] == requests[1], "with nothing new, prices cost no request"
    month = couchdb.range(MONTH, *account_range(account_id))[-1]
    assert month["priced_days"] == month["days"]
    page = door.browser("op").get(f"/accounts/{account_id}", headers={"Accept-Language": "fr"}).text
    assert f"{month['price']:.2f}".replace(".", ",") + "\u00a0€" in page.replace("\u202f", "")
