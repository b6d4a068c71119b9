"""A process that runs DAGs with ``dag.test()`` on request, so that everything they print or log goes to one file."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from include.gas.documents.day_documents import DAG_PREFIX
from tests.masks import forget_masks

DAGS = Path(__file__).resolve().parents[2] / "dags"
BUNDLE = tempfile.TemporaryDirectory()


def run_named(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    file = "grdf_accounts.py" if dag_id.startswith(DAG_PREFIX) else f"{dag_id}.py"
    bag = DagBag(str(DAGS / file))
    assert dag_id in bag.dags, bag.import_errors
    # dag.test() parses all files of the DAG's bundle and writes all their DAGs to Airflow's database: give it this one.
    (link := Path(BUNDLE.name) / file).symlink_to(DAGS / file)
    run: Any = bag.dags[dag_id].test(run_conf=conf)
    link.unlink()
    return {"state": str(getattr(run.state, "value", run.state))}


COMMANDS = {"run_named": run_named}


def main() -> None:
    gc.set_threshold(100_000)  # as in tests/conftest.py
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundle = {"name": "worker", "classpath": classpath, "kwargs": {"path": BUNDLE.name}}
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps([bundle])  # Airflow 3.4 reads it once
    with BUNDLE, os.fdopen(int(sys.argv[1]), "w", encoding="utf-8", buffering=1) as answers:
        for line in sys.stdin:
            request = json.loads(line)
            before = dict(os.environ)
            forget_masks()
            os.environ.update(request.pop("env"))
            try:
                answer: Any = {"answer": COMMANDS[request.pop("do")](**request)}
            except Exception:  # noqa: BLE001 - the test that asked gets the whole traceback
                answer = {"failure": traceback.format_exc()}
            finally:
                for name in os.environ.keys() - before.keys():
                    del os.environ[name]
                os.environ.update(before)
            sys.stdout.flush()
            sys.stderr.flush()
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
