"""What runs of an account store, ask for, and leave on its document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import asdict

from include.gas.days.windows import oldest_allowed
from include.gas.documents.day_documents import database_name
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_code, connect_cozy, known_account, yesterday
from tests.runs.account_run import days, figures, run, secrets_in

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def assert_whole(world: LocalWorld, account: str, *pces: str) -> None:
    today = world.control.today()
    for pce in pces:
        assert days(world, account, pce) == world.control.expected(pce, oldest_allowed(today), today)


@pytest.mark.parametrize(("connect", "meters"), [(connect_cozy, 1), (connect_code, 2)], ids=["cozy", "code"])
def test_a_first_launch_and_a_second(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, connect: Any, meters: int
) -> None:
    pces = connect(clean, account_id, meters)
    assert secrets_in(document(clean, account_id))
    first = run(clean, account_id)
    assert not first.failed, first.said
    history = {
        "date_debut": str(oldest_allowed(clean.control.today())), "date_fin": str(clean.control.today()),
    }  # fmt: skip
    assert [(call["pce"], call["query"]) for call in first.data_calls] == [(pce, history) for pce in pces]
    assert_whole(clean, account_id, *pces)
    found = document(clean, account_id)
    assert secrets_in(found) == []
    assert not found.get("state")
    rights = {right["id_pce"]: right["id_droit_acces"] for right in clean.control.consents()}
    results = found["oauth_callback_results"]
    assert (results["pce_id"], [(each["pce"], each["id_accreditation"]) for each in results["consents"]]) == (
        pces[0], [(pce, rights[pce]) for pce in pces],
    )  # fmt: skip
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "5")
    again = run(clean, account_id)
    assert [call["pce"] for call in again.data_calls] == list(pces)
    assert len(again.calls) == len(pces) + 1, "one call per meter, and this process's token"
    assert again.data_calls[0]["query"]["date_debut"] == str(yesterday(clean) - timedelta(days=5))
    assert document(clean, account_id) == found, "nothing was written"


def test_an_account_that_the_konnector_left(clean: LocalWorld, account_id: str) -> None:
    (pce,) = connect_cozy(clean, account_id)
    kept = document(clean, account_id)
    kept["oauth_callback_results"] |= {"pce_id": pce, "id_token": "eyJhbGciOiJIUzI1NiJ9.e30.expired-long-ago"}
    clean.book.save(kept)
    done = run(clean, account_id)
    assert (done.failed, len(done.data_calls)) == ("", 1), done.said
    assert_whole(clean, account_id, pce)
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


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (None, "BadAccount: .*no such account"), ({"oauth": ["x"]}, "BadAccount: .*oauth"),
        ({"account_type": "grdfgrandlyon.delete"}, "BadAccount: .*account_type"),
        ({"oauth": {}, "oauth_callback_results": {}}, "GrantRefused: .*connect again"),
    ],
)  # fmt: skip
def test_an_odd_document_is_left_as_it_is(
    clean: LocalWorld, account_id: str, parts: dict[str, Any] | None, said: str
) -> None:
    if parts is not None:
        clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon", **parts})
    before = document(clean, account_id)
    done = run(clean, account_id)
    assert (done.failed, done.calls) == ("acquire_token", [])
    assert done.matches(said, account_id)
    after = document(clean, account_id)
    assert after == before if "Bad" in said else after["state"] == OUTDATED
