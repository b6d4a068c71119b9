"""Every setting of ``[grdf]``, read as the tasks read it: for the check of health and for the doctor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from airflow.sdk import conf

from grdf import settings
from grdf.options import SECTION
from include.gas.errors import BadSettings

_NO_SETTINGS = frozenset(("home", "has_several"))
_READ_ELSEWHERE = frozenset(("state_folder", "couchdb_readers"))


def readers() -> dict[str, Callable[[], Any]]:
    """Return the functions that read one setting each, by their names."""
    return {
        name: function
        for name, function in inspect.getmembers(settings, inspect.isfunction)
        if function.__module__ == settings.__name__
        and not name.startswith("_")
        and name not in _NO_SETTINGS
        and not inspect.signature(function).parameters
    }


def wrong() -> Iterator[tuple[str, BadSettings]]:
    """Yield each setting that is wrong, with what is wrong about it."""
    for name, reader in readers().items():
        try:
            reader()
        except BadSettings as error:
            yield name, error
        except Exception as error:  # noqa: BLE001 - of Airflow's parser; its text would show what is written
            cause = f"the setting [grdf] {name} cannot be read ({type(error).__name__})"
            yield name, BadSettings.about(None, cause, f"Correct [grdf] {name}.")


def unknown() -> list[str]:
    """Return the options of ``[grdf]`` that are set and that nothing reads: misspelt, or of another version."""
    written = {name.lower() for name in conf.getsection(SECTION) or {}}
    return sorted(written - set(readers()) - _READ_ELSEWHERE)
