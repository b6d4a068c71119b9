"""From a life that went wrong to a short one that goes wrong in the same way.

Hypothesis could do that too, but it takes minutes where a life takes a moment: steps are left out here, and no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.model.leader import Life

Wrong = Callable[[Life], str]


def smaller(life: Life, wrong: Wrong, *, seconds: float = 60.0) -> Life:
    """Leave out steps for as long as the same goes wrong.

    :param life: one that goes wrong
    :param wrong: leads a life and says how it goes wrong, "" when it does not
    :param seconds: when to stop, at the latest
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
