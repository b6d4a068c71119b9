"""Tasks that only the tests' Celery workers know (Celery's setting ``imports``)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import shared_task


@shared_task(name="tests.who")
def who() -> int:
    """Return the pid of the worker."""
    return os.getppid()


@shared_task(name="tests.slow")
def slow(seconds: float, here: str) -> int:
    """Wait, unless it is the second time, and return the pid of the worker.

    :param here: a folder, in which the first time leaves a file
    """
    mark = Path(here) / "was-here"
    if not mark.exists():
        mark.touch()
        time.sleep(seconds)
    return os.getppid()
