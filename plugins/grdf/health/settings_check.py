"""Every setting of ``[grdf]``, read as the tasks read it, with what it names."""

from __future__ import annotations

from collections.abc import Callable

from airflow.sdk import conf

from grdf.health.alerting import build_notifier
from grdf.options import SECTION
from grdf.settings import SETTINGS
from include.gas.errors import BadSettings


def find_wrong_settings() -> list[BadSettings]:
    """Return the faults of settings and of the notifier that they name, each once."""
    found: dict[str, BadSettings] = {}
    every: list[Callable[[], object]] = [*SETTINGS.values(), build_notifier]
    for read in every:
        try:
            read()
        except BadSettings as error:
            found.setdefault(str(error), error)
    return list(found.values())


def find_unknown_options() -> list[str]:
    """Return the options set in ``[grdf]`` that nothing reads: misspelt, or of another version."""
    written = {name.lower() for name in conf.getsection(SECTION) or {}}
    return sorted(written - set(SETTINGS))
