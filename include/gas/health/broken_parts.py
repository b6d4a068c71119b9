"""What a part of the watch that has failed says: the error's class and place, never its text, which may quote data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from traceback import extract_tb

from include.gas.errors import GasError
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import Concern, NamedReason


def describe_failure(part: str, error: Exception) -> str:
    """Return a clause that names a part of the watch, and what it failed with."""
    place = extract_tb(error.__traceback__)[-1]
    return f"{part} ({type(error).__name__} in {place.filename.rpartition('/')[2]}, line {place.lineno})"


def find_alone(part: str, find: Callable[[], Iterable[Concern]]) -> Iterator[Concern]:
    """Yield what a part of the watch finds, or that it has failed; ``GasError`` if CouchDB cannot be read."""
    try:
        yield from find()
    except GasError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one part must not hide what the others find
        yield Cause.BROKEN, NamedReason(describe_failure(part, error))
