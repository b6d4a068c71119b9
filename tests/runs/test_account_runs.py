"""What runs of an account store, ask for, and leave on its document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import asdict

from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import database_name
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, known_account, yesterday
from tests.runs.account_run import days, figures, run, secrets_in

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def test_an_account_that_the_konnector_left(clean: LocalWorld, account_id: str) -> None:
    (pce,) = connect_cozy(clean, account_id)
    kept = document(clean, account_id)
    kept["oauth_callback_results"] |= {"pce_id": pce, "id_token": "eyJhbGciOiJIUzI1NiJ9.e30.expired-long-ago"}
    clean.book.save(kept)
    done = run(clean, account_id)
    assert (done.failed, len(done.data_calls)) == ("", 1), done.said
    today = clean.control.today()
    assert days(clean, account_id, pce) == clean.control.expected(pce, oldest_allowed(today), today)
    results = document(clean, account_id)["oauth_callback_results"]
    assert secrets_in(results) == [], "its id_token must not pass for a new consent later"
    assert results["pce_id"] == pce
    assert results["consents"][0]["id_accreditation"], "learnt from GRDF, for a later deletion"


def test_openlineage_is_told_days_and_numbers_and_no_household(clean: LocalWorld, account_id: str) -> None:
    from grdf.operators.load import LoadOperator

    first, end = str(yesterday(clean) - timedelta(days=40)), str(clean.control.today())
    (pce,) = known_account(clean, account_id, history=False, conso_debut=first)
    done = run(clean, account_id)
    load = done.operators["load"]
    assert isinstance(load, LoadOperator)
    lineage = load.get_openlineage_facets_on_complete(None)
    assert lineage is not None
    (read,), of_run = map(asdict, lineage.inputs), lineage.run_facets["grdf_gas_days"]
    assert read["namespace"] + read["name"] == f"{clean.facts['adict_base']}/pce/*/donnees_consos_informatives"
    assert read["inputFacets"]["inputStatistics"]["fileCount"] == 1
    assert (of_run.first, of_run.end) == (first, end)
    wrote, stored = [asdict(each) for each in lineage.outputs], figures(clean, account_id, pce)
    lengths = {"com.grandlyon.grdf.day": 10, "com.grandlyon.grdf.month": 7, "com.grandlyon.grdf.year": 4}
    assert {each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"] for each in wrote} == {
        database_name(doctype): sum(len(period) == length for period in stored) for doctype, length in lengths.items()
    }
    assert {each["namespace"] for each in wrote} == {f"couchdb://{clean.couch.url.partition('//')[2]}"}
    assert [word for word in (pce, account_id, "kWh", "energie") if word in f"{read}{wrote}{of_run}"] == []
