"""The household's copy: made by the DAG or behind its link, with its own data alone, logged, and removed."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.operators.exports.export_account import ExportAccountOperator
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.group_store import GroupStore
from include.gas.account.declaration import Declaration
from include.gas.account.marks import with_leaving
from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import day_document
from include.gas.documents.doctypes import ACCOUNT, DAY
from include.gas.errors import BadAccount
from include.gas.proof.consent_record import new_record
from include.gas.rights.meter_rights import allowed_days
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import problem
from tests.connect.direct import stored
from tests.connect.site import Site
from tests.helpers import context, enter_rights, known_account
from tests.leaving.runs import clear_away
from tests.leaving.steps import delete
from tests.rights.declared import PERSON
from tests.rights.scene import other_of

OWN, FOREIGN = 414_177, 979_313
"""kWh of a day."""


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    return tmp_path / "staging"


def export(account: str) -> dict[str, int]:
    return dict(ExportAccountOperator(task_id="export", account_id=account).execute(context(run_type="manual")))


def files_in(content: bytes) -> dict[str, str]:
    with ZipFile(BytesIO(content)) as copy:
        return {name: copy.read(name).decode() for name in copy.namelist()}


def test_a_household_takes_its_own_data_along(
    front: Site, clean: LocalWorld, account_id: str, staging: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    couchdb, after, now = CouchDBHook(), other_of(account_id), datetime.now(UTC)
    moved = paris_today(now) - timedelta(days=10)
    first, last = str(moved - timedelta(days=90)), str(moved)
    (pce,) = known_account(clean, account_id, conso_debut=first, conso_fin=last)
    later = clean.control.consent((pce,), conso_debut=last)
    couchdb.put(ACCOUNT, {"_id": after, "account_type": "grdfgrandlyon"})
    enter_rights(after, later)
    days = [moved + timedelta(days=number) for number in range(-5, 5)]
    for name, load in ((account_id, OWN), (after, FOREIGN)):
        couchdb.write(DAY, [day_document(name, Reading(day, load), pce, now) | {"note": "x"} for day in days])
        entered = Declaration(pce=pce, **(PERSON | {"email": f"{load}@example.org"}))
        ConsentRecords(couchdb).add(new_record(name, entered, now, by="boss@city.example"))
    GroupStore(couchdb).assign_groups({account_id: {"building": "B-own"}, after: {"building": "B-foreign"}})
    (token,) = (each.token for each in GroupStore(couchdb).all_groups() if each.account == account_id)
    document: dict[str, Any] = (stored(account_id) or {}) | {"oauth": {"access_token": "a-bearer"}}
    couchdb.put(ACCOUNT, document)
    meter = Ledger(couchdb).fetch_meters([pce])[pce]
    assert [allowed_days(meter, name)[0].first for name in (account_id, after)] == [moved - timedelta(days=90), moved]

    browser, at = front.browser("op"), f"/accounts/{account_id}/copy.zip"
    assert problem(browser.get(at)) == (404, "copy.none")
    with pytest.raises(BadAccount, match="no such account"):
        export("../import")
    assert export(account_id)["days"] == 5
    own = files_in(browser.get(at).content)
    assert [day["day"] for day in json.loads(own["days.json"])] == [str(day) for day in days[:5]]
    assert own["days.csv"].count(f",{OWN},") == own["green-button.xml"].count(f"<value>{OWN}000</value>") == 5
    assert [row["email"] for row in json.loads(own["records.json"])] == [f"{OWN}@example.org"]
    (right,) = json.loads(own["rights.json"])
    assert (right["pce"], right["first"], right["end"]) == (pce, first, last)
    assert json.loads(own["groups.json"]) == [{"dimension": "building", "group": "B-own"}]
    tables = "".join(text for name, text in own.items() if not name.endswith(".txt"))
    foreign = (
        str(FOREIGN),
        str(days[6]),
        later[0]["id_droit_acces"],
        "boss@",
        "a-bearer",
        "oauth",
        '"_',
        '"note"',
        "B-foreign",
    )
    assert [word for word in (*foreign, account_id, token) if word in tables] == []
    assert f"Account {account_id}: op downloaded its household's copy" in caplog.text
    couchdb.put(ACCOUNT, with_leaving(stored(account_id) or {}, by="somebody", since=now))
    page = front.browser().get(front.link_to(account_id, "figures")).text
    (href,) = re.findall(r'href="/grdf(/household/figures/copy\.zip\?[^"]+)"', page)
    behind_link = files_in(front.browser().get(href).content)
    assert all(behind_link[name] == text for name, text in own.items() if name.endswith((".csv", ".json")))
    assert f"Account {account_id}: its household downloaded its copy" in caplog.text
    assert [word for word in (pce, str(OWN), str(FOREIGN)) if word in caplog.text] == []

    export(after)
    clear_away()
    assert len(list(staging.glob("*/copy.zip"))) == 2
    delete(account_id)
    assert [file.parent.name for file in staging.glob("*/copy.zip")] == [after]
    with pytest.raises(BadAccount):
        export(account_id)
    with pytest.MonkeyPatch.context() as a_week_later:
        a_week_later.setattr("grdf.operators.retention.COPY_DAYS", 0)
        clear_away()
    assert list(staging.glob("*/copy.zip")) == []
