"""What OpenLineage is told of a run: the endpoint, the days and how many documents; nothing of a household."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from attrs import asdict

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.extract import ExtractOperator
from grdf.operators.load import LoadOperator
from include.gas.documents.gas_days import database_name
from tests.helpers import context, known_account, stored, with_memory_shelf, yesterday

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def told(operator: LoadOperator) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]:
    """Return what the operator has read, what it has written, and which days it was about."""
    lineage = operator.get_openlineage_facets_on_complete(None)
    assert lineage is not None
    (read,), days = lineage.inputs, lineage.run_facets["grdf_gas_days"]
    return asdict(read), [asdict(each) for each in lineage.outputs], {"first": days.first, "end": days.end}


def test_a_run_tells_days_and_numbers_and_no_household(clean: LocalWorld, account_id: str) -> None:
    last = yesterday(clean)
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(last - timedelta(days=40)))
    dag, at_hand = DAG("steps", schedule=None), context(last)
    extract = with_memory_shelf(ExtractOperator(task_id="extract", account_id=account_id, dag=dag))
    load = LoadOperator(task_id="load", account_id=account_id, staged=extract.execute(at_hand), dag=dag)
    load.execute(at_hand | {"task": load})
    figures = stored(CouchDBHook(), account_id, pce)
    expected = {"first": str(last - timedelta(days=40)), "end": str(last + timedelta(days=1))}
    read, wrote, days = told(load)
    endpoint = f"{clean.facts['adict_base']}/pce/*/donnees_consos_informatives"
    assert f"{read['namespace']}{read['name']}" == endpoint
    assert read["inputFacets"]["inputStatistics"]["fileCount"] == 1
    assert days == expected
    text = str((read, wrote, days))
    assert [word for word in (pce, account_id, "kWh", "energie") if word in text] == []
    kinds = {"com.grandlyon.grdf.day": 10, "com.grandlyon.grdf.month": 7, "com.grandlyon.grdf.year": 4}
    assert {each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"] for each in wrote} == {
        database_name(doctype, CouchDBHook().facts.prefix): sum(len(period) == length for period in figures)
        for doctype, length in kinds.items()
    }
    assert {each["namespace"] for each in wrote} == {f"couchdb://{clean.couch.url.partition('//')[2]}"}
