"""The part of a task's log that functions for a meter need."""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """The methods used of a task's log."""

    def info(self, event: str, *args: Any) -> Any:
        """Log what happened."""

    def warning(self, event: str, *args: Any) -> Any:
        """Log something that a person should see."""
