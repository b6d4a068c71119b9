"""Shorten a life that went wrong to one that goes wrong in the same way.

Hypothesis could do this too, but would take minutes. Here, steps are only left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.model.leader import Life

Wrong = Callable[[Life], str]


def smaller(life: Life, wrong: Wrong, *, seconds: float = 60.0) -> Life:
    """Leave out steps as long as the life still goes wrong in the same way.

    :param life: a life that goes wrong
    :param wrong: leads a life and returns how it goes wrong, ``""`` if it does not
    :param seconds: time limit
    """
    start, steps = life
    how, limit = wrong(life), time.monotonic() + seconds
    size = max(1, len(steps) // 2)
    while how and time.monotonic() < limit:
        at, shorter = 0, False
        while at < len(steps) and time.monotonic() < limit:
            fewer = [*steps[:at], *steps[at + size :]]
            if wrong((start, fewer)) == how:
                steps, shorter = fewer, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return start, steps
