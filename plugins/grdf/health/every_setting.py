"""Every setting of ``[grdf]``, read as the tasks read it: for the check of health and for the doctor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from grdf import settings
from grdf.health import health_settings
from include.gas.errors import BadSettings

OF_API_SERVERS = "connect_secret"
"""The one setting that only API servers need."""
_NO_SETTINGS = frozenset(("home", "has_several", "limits", "timing"))


def readers() -> dict[str, Callable[[], Any]]:
    """Return the functions that read one setting each, by their names."""
    return {
        name: function
        for module in (settings, health_settings)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
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
