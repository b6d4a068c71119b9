"""Celery for workers that must not trust each other: ``[celery] celery_config_options`` names :data:`CONFIG`.

Redis gives each service a user of its own (``deploy/redis-users.conf``). What Celery shares between all workers
is switched off or named after the user, so that no worker needs a right to what belongs to another one:

* Remote control, by which whoever reaches Redis tells every worker what to do: stop, or take another queue as well.
* What a worker has taken and not finished. Any worker would put it back later, into the queue that it names.
* Tables that say which queues belong to an exchange. A message goes straight to the list of its queue instead.
* Lua. All users' scripts run in one interpreter, so a way out of its limits leads to the rights of the others.

A result that cannot be read stops no scheduler (``task_results``), and the worker of deletions runs this project's
tasks alone (``deletion_worker``). And each worker leaves a sign of life for its health check, which cannot ask it
without remote control.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery.app.amqp import AMQP
from celery.app.backends import BACKEND_ALIASES
from celery.signals import heartbeat_sent
from kombu.transport import redis as transport

from grdf.airflow.deletion_worker import only_deletions

ALIVE = Path(tempfile.gettempdir()) / "grdf-worker-alive"
"""Touched every two seconds by the loop in which a worker takes messages. The loop stands still when Redis is away."""


def config(airflows: dict[str, Any]) -> dict[str, Any]:
    """Return Celery's configuration.

    :param airflows: the configuration that Airflow would use, with Redis for its messages
    """
    user = urlsplit(airflows["broker_url"]).username or "celery"
    return airflows | {
        "worker_enable_remote_control": False,
        "task_default_exchange": "",
        "task_annotations": {"execute_workload": {"before_start": only_deletions}},
        "broker_transport_options": airflows["broker_transport_options"]
        | {
            # Airflow gives its messages no priority, for which there would be three more lists per queue.
            "priority_steps": [0],
            "unacked_key": f"{user}.unacked",
            "unacked_index_key": f"{user}.unacked_index",
            "unacked_mutex_key": f"{user}.unacked_mutex",
            "unacked_mutex_expire": 30,
        },
    }


@contextmanager
def _turn(client: Any, name: str, seconds: int) -> Iterator[None]:
    """Let one worker at a time look for messages of workers that died: a lock that ends by itself.

    kombu's is given back by a Lua script. It only saves work: each message is put back in a transaction of its own.
    """
    if not client.set(name, "taken", nx=True, ex=seconds):
        raise transport.MutexHeld
    yield


def _no_exchange(_queue: str) -> None:
    """Leave a queue without an exchange of its own (``AMQP.autoexchange`` says what that means)."""


transport.Mutex = _turn  # type: ignore[assignment]  # kombu's own has other names for the arguments
AMQP.autoexchange = staticmethod(_no_exchange)
BACKEND_ALIASES |= dict.fromkeys(("redis", "rediss"), "grdf.airflow.task_results:Results")
BACKEND_ALIASES["sentinel"] = "grdf.airflow.task_results:SentinelResults"
CONFIG = config(DEFAULT_CELERY_CONFIG)


@heartbeat_sent.connect
def sign_of_life(**_: Any) -> None:
    """Touch the file that a health check looks at."""
    ALIVE.touch()
