"""How tasks ended, as workers write it into Redis and the scheduler reads it.

All workers write there, and Airflow 3.3 reads many results at once, without expecting one that cannot be read: the
scheduler stops. So a result that is damaged, or that a worker has made up, counts as none. Airflow keeps a task's own
state in its database; a task whose end is not told there is found by its missing heartbeat.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from hashlib import sha256
from typing import Any

from celery import states
from celery.backends.redis import RedisBackend, SentinelBackend

log = logging.getLogger(__name__)


class _Careful:
    """A backend of Celery's in which a result that cannot be read counts as none."""

    def decode_result(self, payload: Any) -> dict[str, Any]:
        """Return a result as Celery does, or as that of a task that has not ended.

        :param payload: the text that is stored
        """
        try:
            meta = super().decode_result(payload)  # type: ignore[misc]  # of the other base
            if isinstance(meta["status"], str) and isinstance(meta["task_id"], str):
                return dict(meta)
        except Exception as error:  # noqa: BLE001 - Celery raises what the text makes it raise
            _tell(type(error).__name__, sha256(repr(payload).encode()).hexdigest())
        return {"task_id": "", "status": states.PENDING, "result": None}


class Results(_Careful, RedisBackend):  # type: ignore[misc]  # Celery has no types
    """Celery's results in Redis. Arguments are those of Celery's own."""


class SentinelResults(_Careful, SentinelBackend):  # type: ignore[misc]  # Celery has no types
    """Celery's results in a Redis that Sentinel watches. Arguments are those of Celery's own."""


@lru_cache(maxsize=1000)  # the scheduler reads it every second, until it expires after a day
def _tell(error: str, _of: str) -> None:
    log.warning(
        "A task's result in Redis cannot be read (%s). It counts as none: the task's own state decides. It was not "
        "written by a worker of this Airflow, or it was damaged.",
        error,
    )
