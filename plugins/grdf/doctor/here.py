"""Checks of this machine and of the settings: versions, every ``[grdf]`` setting, the staging store."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from grdf import settings
from grdf.doctor.findings import Finding, of_error
from grdf.health import health_settings
from grdf.staging.area import Staging
from include.gas.errors import BadSettings

_NO_SETTINGS = frozenset(("home", "has_several", "limits", "timing"))
_OF_API_SERVERS = "connect_secret"


def versions() -> Iterator[Finding]:
    """Say what runs here."""
    airflow = version("apache-airflow-core")
    yield Finding("versions", "ok", f"Python {platform.python_version()}, Airflow {airflow}")


def all_settings() -> Iterator[Finding]:
    """Read every setting of ``[grdf]``, as the tasks do."""
    wrong = 0
    read = readers()
    for name, reader in read.items():
        try:
            reader()
        except BadSettings as error:
            wrong += 1
            found = of_error("settings", error)
            if name == _OF_API_SERVERS:
                found = replace(found, state="look", do=f"{found.do} Only API servers need it.")
            yield found
        except (ValueError, OSError) as error:
            wrong += 1
            yield Finding("settings", "bad", f"[grdf] {name} cannot be read ({error})", f"Correct [grdf] {name}.")
    if not wrong:
        yield Finding("settings", "ok", f"all {len(read)} settings of [grdf] can be read")


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


def staging() -> Iterator[Finding]:
    """List a folder in the staging store. Nothing is written: the tasks do that under another name."""
    url = settings.staging_url()
    number = Staging(url, settings.staging_conn_id()).count("doctor")
    where = url.partition("://")[0]
    yield Finding("staging", "ok", f"the staging store ({where}) answers" + (f", {number} file(s)" if number else ""))
