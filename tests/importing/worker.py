"""A process that imports ``homes.csv`` and may be killed at any moment. It logs to standard error.

It takes a declaration without an answer for over after five seconds, not after a quarter of an hour.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from tests.helpers import MemoryShelf
from tests.importing.scene import run


def main() -> None:
    """Import it."""
    import grdf.hooks.adict
    import include.gas.rights.transitions

    grdf.hooks.adict.Variables = MemoryShelf  # type: ignore[misc,assignment]  # outside a task there are none
    include.gas.rights.transitions.LONGEST_CALL = timedelta(seconds=5)
    logging.basicConfig(level=logging.DEBUG)
    run()


if __name__ == "__main__":
    main()
