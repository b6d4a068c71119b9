"""An import in Airflow: nothing of the households is in its logs or its database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.airflow_rows import rows_of
from tests.importing.scene import NAME, files, household, names_person, put, result, rights
from tests.runs.runner import AT_DEBUG

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

FIRST = 800_000


def test_nothing_personal_is_kept(world: LocalWorld, airflow: Worker, airflow_home: Path) -> None:
    homes = [household(FIRST + number) for number in range(4)]
    put([homes[0] | {"email": "planted-no-address"}, homes[1] | {"postcode": "75001"}, *homes[2:]])
    form = {"file": NAME, "skip_wrong_lines": True}
    dry = airflow.run_named("grdf_import_accounts", form, AT_DEBUG)
    assert (dry.state, dry.calls) == ("success", [])
    stopped = airflow.run_named("grdf_import_accounts", {"file": NAME, "dry_run": False}, AT_DEBUG)
    assert stopped.state == "failed"
    assert "Line 2" in stopped.output
    done = airflow.run_named("grdf_import_accounts", form | {"dry_run": False}, AT_DEBUG)
    assert done.state == "success", done.output
    assert len(rights(world, FIRST)) == 2
    assert files() == ["homes.result.csv"]
    for text in (dry.output, stopped.output, done.output, result()):
        assert names_person(text) == []
    kept = [(table, said) for table, row in rows_of(airflow_home / "airflow.db") if (said := names_person(row))]
    assert kept == []
    (airflow_home / "grdf" / "staging" / "import" / "homes.result.csv").unlink()
