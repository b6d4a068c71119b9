"""A wrong setting never takes DAGs away: the default is used until somebody corrects it."""

from __future__ import annotations

import json
from pathlib import Path

from include.gas.documents.gas_days import dag_id
from tests.dags.parsing import ACCOUNTS, PARSE, ROOT, parse
from tests.forks import Forks

WRONG = {
    "first_hour": "25",
    "spread_minutes": "a morning",
    "publication_days": "-1",
    "retries": "three",
    "retry_seconds": "10m",
    "deletion_needs_approval": "of course",
    "reread_days": "all",
    "connections": "a b",
    "ways_in": "by post",
    "household_links": "sometimes",
    "staging_url": "s3://writer:invented@bucket/x",
}


def as_stored(dags: dict[str, dict[str, object]]) -> dict[str, str]:
    return {name: json.dumps(data, sort_keys=True) for name, data in dags.items()}


def test_all_dags_stay_as_they_are_with_the_defaults(three_accounts: dict[str, str], parser: Forks) -> None:
    usual = parse(three_accounts, parser)
    found = parse(three_accounts | {f"AIRFLOW__GRDF__{name.upper()}": text for name, text in WRONG.items()}, parser)
    assert found.errors == {}
    assert {dag_id(account) for account in ACCOUNTS} <= found.dags.keys()
    assert as_stored(found.dags) == as_stored(usual.dags)


def test_a_lone_percent_sign_in_airflow_cfg(three_accounts: dict[str, str], tmp_path: Path) -> None:
    """Airflow's parser raises an error of its own for it, whatever the setting."""
    names = ("pool", "deletion_queue", "first_hour", "deletion_needs_approval")
    (tmp_path / "airflow.cfg").write_text("[grdf]\n" + "".join(f"{name} = 5 %\n" for name in names))
    assert parse(three_accounts | {"AIRFLOW_CONFIG": str(tmp_path / "airflow.cfg")}).errors == {}


def test_what_is_wrong_is_said_once_by_each_process(three_accounts: dict[str, str], parser: Forks) -> None:
    done = parser.run(PARSE, str(ROOT / "dags"), env=three_accounts | {"AIRFLOW__GRDF__FIRST_HOUR": "25"})
    said = "the setting [grdf] first_hour is not a whole number"
    assert done.stdout.count(said) == 1, done.stdout[-3000:]
    assert "Until then the default, 8, is used" in done.stdout
