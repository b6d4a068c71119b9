"""Every setting of ``[grdf]``, read as the tasks read it, and what it names: for ``grdf_health`` and the doctor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from airflow.sdk import conf

from grdf import settings
from grdf.health.alerting import Alerter
from grdf.options import SECTION
from include.gas.errors import BadSettings


def readers() -> dict[str, Callable[[], Any]]:
    """Return the functions that read one setting each, by their names."""
    return {
        name: function
        for name, function in inspect.getmembers(settings, inspect.isfunction)
        if function.__module__ == settings.__name__
        and not name.startswith("_")
        and name != "has_several"
        and not inspect.signature(function).parameters
    }


def wrong() -> Iterator[tuple[str, BadSettings]]:
    """Yield each setting that is wrong, or names a notifier that is, with what is wrong about it."""
    told: set[str] = set()
    for name, look in (readers() | {"alert_notifier": Alerter}).items():
        try:
            look()
            continue
        except BadSettings as error:
            found = error
        except Exception as error:  # noqa: BLE001 - of Airflow's parser; its text would show what is written
            cause = f"the setting [grdf] {name} cannot be read ({type(error).__name__})"
            found = BadSettings.about(None, cause, f"Correct [grdf] {name}.")
        if str(found) not in told:
            told.add(str(found))
            yield name, found


def unknown() -> list[str]:
    """Return the options of ``[grdf]`` that are set and that nothing reads: misspelt, or of another version."""
    written = {name.lower() for name in conf.getsection(SECTION) or {}}
    return sorted(written - set(readers()))
