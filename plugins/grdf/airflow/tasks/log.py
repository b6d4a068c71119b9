"""What functions for a meter need of a task's log."""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """The used methods of a task's log."""

    def info(self, event: str, *args: Any) -> Any:
        """Log what happened."""

    def warning(self, event: str, *args: Any) -> Any:
        """Log what a person should see."""

    def error(self, event: str, *args: Any) -> Any:
        """Log what a person must see."""
