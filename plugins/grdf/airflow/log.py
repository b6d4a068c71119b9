"""The log of a task, as far as the functions for a meter need it."""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """What this needs of a task's log."""

    def info(self, event: str, *args: Any) -> Any:
        """Say what happened."""

    def warning(self, event: str, *args: Any) -> Any:
        """Say what a person should see."""
