"""Every setting of ``[grdf]``, read as the tasks read it, and what it names: for ``grdf_health`` and the doctor."""

from __future__ import annotations

from collections.abc import Callable

from airflow.sdk import conf

from grdf.health.alerting import build_notifier
from grdf.options import SECTION
from grdf.settings import SETTINGS
from include.gas.errors import BadSettings


def find_wrong_settings() -> list[BadSettings]:
    """Return what is wrong with settings, and with the notifier that they name. What several meet is said once."""
    found: dict[str, BadSettings] = {}
    every: list[Callable[[], object]] = [*SETTINGS.values(), build_notifier]
    for read in every:
        try:
            read()
        except BadSettings as error:
            found.setdefault(str(error), error)
    return list(found.values())


def find_unknown_options() -> list[str]:
    """Return the options of ``[grdf]`` that are set and that nothing reads: misspelt, or of another version."""
    written = {name.lower() for name in conf.getsection(SECTION) or {}}
    return sorted(written - set(SETTINGS))
