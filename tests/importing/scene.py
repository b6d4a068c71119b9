"""Files of invented households, and the task that imports them, executed in this process."""

from __future__ import annotations

import csv
import io
import json
import logging
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.gas.importing.csv_file import COLUMNS, result_name
from include.sandbox.adict.meter_data import meters
from include.sandbox.local_world import LocalWorld
from tests.helpers import context

if TYPE_CHECKING:
    from grdf.staging.imports import Imports

LOG = logging.getLogger("tests.importing")
NAME = "homes.csv"
WHO = "Durand-Invente"
FIRST_METER = 7_000_000


def folder() -> Imports:
    from grdf import settings
    from grdf.staging.imports import Imports

    return Imports(settings.staging_url())


def files() -> list[str]:
    path = Path(folder().url.removeprefix("file://"))
    names = [each.name for each in path.iterdir()] if path.exists() else []
    return sorted(name for name in names if not name.startswith(".run-"))


def household(number: int, **more: str) -> dict[str, str]:
    pce = f"0999999{FIRST_METER + number}"
    meter = meters.find_meter(pce)
    assert meter
    given = {"account": f"import-{number}", "pce": pce, "name": f"{WHO}-{number}", "postcode": meter.postcode}
    return given | {"email": f"planted-{number}@example.org", "phone": f"+33 6 99 {number:06}"} | more


def put(rows: Iterable[Mapping[str, str]], name: str = NAME) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    path = Path(folder().url.removeprefix("file://"))
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(text.getvalue(), encoding="utf-8-sig")


def run(
    name: str = NAME, *, dry_run: bool = False, skip: bool = False, run_id: str = "", began: datetime | None = None,
    cleared: bool = False,
) -> dict[str, int]:  # fmt: skip
    from grdf.operators.ways_in.import_accounts import ImportAccountsOperator

    params = {"file": name, "dry_run": dry_run, "skip_wrong_lines": skip}
    return execute(ImportAccountsOperator, params, run_id=run_id, began=began, cleared=cleared)


def adopt(
    *, dry_run: bool = False, id_pattern: object = "right-{right}", cleared: bool = False, buildings: str = ""
) -> dict[str, int]:
    from grdf.operators.ways_in.adopt_rights import AdoptRightsOperator

    return execute(
        AdoptRightsOperator, {"dry_run": dry_run, "id_pattern": id_pattern, "buildings": buildings}, cleared=cleared
    )


def execute(
    kind: Any, params: dict[str, Any], *, run_id: str = "", began: datetime | None = None, cleared: bool = False,
    **more: Any,
) -> dict[str, int]:  # fmt: skip
    from airflow.sdk import DAG

    operator = kind(task_id="step", dag=DAG("steps", schedule=None), **more)  # not "with": threads would share the DAG
    operator._cached_logger = LOG  # else Airflow writes to standard output
    at_hand = context(run_type="manual", run_id=run_id or secrets.token_hex(8)) | {"params": params}
    of_run = at_hand["dag_run"]
    of_run.triggering_user_name, of_run.clear_number = "an-operator", int(cleared)
    of_run.run_after = began or of_run.run_after
    return dict(operator.execute(at_hand))


def result(name: str = NAME) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder().content(result_name(name)) or b"").decode())))


def outcomes(name: str = NAME) -> list[tuple[str, str]]:
    return [(row["account"], row["outcome"]) for row in result(name)]


def rights(world: LocalWorld, *homes: Mapping[str, str]) -> list[dict[str, Any]]:
    pces = [home["pce"] for home in homes]
    return [right for right in world.control.consents() if right["id_pce"] in pces]


def puts(world: LocalWorld) -> int:
    return sum(call["method"] == "PUT" for call in world.control.log())


def records(account: str) -> list[Any]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.consent_records import ConsentRecords

    return ConsentRecords(CouchDBHook()).records_of(account)


def names_person(text: object) -> list[str]:
    said = text if isinstance(text, str) else json.dumps(text)
    return [each for each in (WHO, "planted-", "+33 6 99", f"0999999{FIRST_METER // 1_000_000}") if each in said]
