"""What comes by the queue of deletions: this project's own tasks, and no others.

Any DAG may name any queue (``queue="deletion"``), so whoever writes DAGs could run code of their own on the worker that
has the secret that revokes consents. Airflow has no rights for queues. So the worker looks at each task before it
begins: what is refused fails there, before a process with its code is started.

The scheduler says which DAG a task is of, and in which file of which DAG bundle that is. A DAG can take a name of ours,
but not bring its own file into a bundle that it is not in. In the bundle that is ours, the folder with our files may be
anywhere, so whoever can write files there is not kept out.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from airflow.sdk.configuration import conf

from grdf import settings

DAGS = frozenset({"grdf_delete_account", "grdf_retention"})
"""DAGs with tasks on that queue. Each is in a file of its name."""
OURS = "grdf.airflow.bundle."
"""How the paths of this project's bundle classes begin."""


def only_deletions(task: Any, _id: str, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
    """Refuse a task that came by the queue of deletions and is none of this project's.

    Celery calls this in the worker's process before the task (``before_start``).

    :param task: Celery's task
    :param args: the workload, as JSON, that Airflow's scheduler has written
    :raises PermissionError: if it is not to be run here
    """
    queue = settings.deletion_queue()
    if queue is None or (task.request.delivery_info or {}).get("routing_key") != queue:
        return
    try:
        workload = json.loads(args[0])
        dag, file = workload["ti"]["dag_id"], PurePosixPath(workload["dag_rel_path"])
        bundle = workload["bundle_info"]["name"]
    except (LookupError, TypeError, ValueError):
        raise PermissionError(_refusal(queue, "Something that is no task of a DAG")) from None
    if dag not in DAGS or not _is_ours(dag, file, bundle):
        raise PermissionError(_refusal(queue, f"A task of the DAG {dag} (file {file}, bundle {bundle})"))


def _refusal(queue: str, what: str) -> str:
    return (
        f"{what} came by the queue {queue!r} and was not run. This worker has the secret that revokes consents, so it "
        f"runs only {' and '.join(sorted(DAGS))} of this project. Give other DAGs another queue."
    )


def _is_ours(dag: str, file: PurePosixPath, bundle: str) -> bool:
    return file.name == f"{dag}.py" and ".." not in file.parts and bundle in _bundles(bundle)


def _bundles(named: str) -> set[str]:
    """Return the bundles that this project's DAG files are in; without a class of ours, that may be the one named."""
    try:
        configured = json.loads(conf.get("dag_processor", "dag_bundle_config_list", fallback="[]"))
        classes = {str(each["name"]): str(each["classpath"]) for each in configured}
    except (LookupError, TypeError, ValueError):  # then Airflow reads no DAG at all
        return set()
    return {name for name, kind in classes.items() if kind.startswith(OURS)} or {named}
