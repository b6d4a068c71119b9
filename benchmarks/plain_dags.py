"""The usual way to one DAG per account: files from a template, with ``EmptyOperator``."""

from __future__ import annotations

import json
from pathlib import Path

CRON = 'CronDataIntervalTimetable("0 6 * * *", timezone="Europe/Paris")'
GAS_DAY = "GasDayTimetable(1560)"
DELTA = "timedelta(days=1)"

PARAMS = """{
            "from": Param(None, type=["null", "string"], format="date", title="First gas day"),
            "to": Param(None, type=["null", "string"], format="date", title="Last gas day"),
            "include_definitive": Param(False, type="boolean", title="Read definitive days again"),
        }"""

_FILE = '''"""Four tasks per account, as most people would write it."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from grdf.timetable import GasDayTimetable

for account in json.loads(Path(__file__).with_name("accounts.json").read_text()):
    with DAG(
        f"{name}__{{account}}",
        schedule={schedule},
        start_date=datetime(2020, 1, 1),
        catchup=False,
        max_active_runs=1,
        default_args={{"owner": "grdf", "retries": 3, "retry_delay": timedelta(minutes=10)}},
        tags=["grdf", "account"],
        params={params},
    ) as dag:
        acquire = EmptyOperator(task_id="acquire_token")
        rescope = EmptyOperator(task_id="rescope_token")
        extract = EmptyOperator(task_id="extract")
        load = EmptyOperator(task_id="load")
        acquire >> rescope >> extract >> load
    globals()[dag.dag_id] = dag
'''


def plain_file(folder: Path, name: str, accounts: list[str], *, schedule: str, params: str = "None") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.json").write_text(json.dumps(accounts), encoding="utf-8")
    file = folder / f"{name}.py"
    file.write_text(_FILE.format(name=name, schedule=schedule, params=params), encoding="utf-8")
    return file
