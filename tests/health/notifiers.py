"""A notifier as a setting may name it: it keeps what it is told."""

from __future__ import annotations

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
