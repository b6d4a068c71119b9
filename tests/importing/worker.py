"""A process that imports ``homes.csv`` and may be killed at any moment. It logs to standard error."""

from __future__ import annotations

import logging

from tests.helpers import MemoryShelf
from tests.importing.scene import run


def main() -> None:
    """Import it."""
    import grdf.hooks.adict

    grdf.hooks.adict.VariableShelf = MemoryShelf  # type: ignore[misc,assignment]  # outside a task there are none
    logging.basicConfig(level=logging.DEBUG)
    run()


if __name__ == "__main__":
    main()
