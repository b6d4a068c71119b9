"""Notifiers as a setting may name them: one that keeps what it is told, and some that fail."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from airflow.sdk import BaseNotifier

HERE = __name__


class Keeping(BaseNotifier):
    """Keeps what it is told."""

    told: ClassVar[list[str]] = []

    def __init__(self, message: str = "") -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        self.told.append(self.message)


class Hanging(BaseNotifier):
    """Waits for as long as it is not let go, as for a server that accepts a connection and says nothing."""

    let_go: ClassVar[threading.Event] = threading.Event()

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        self.let_go.wait()


class Exiting(BaseNotifier):
    """Ends the program."""

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        raise SystemExit("no configuration")
