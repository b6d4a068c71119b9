"""Checks of this machine and of the settings: versions, every ``[grdf]`` setting, the staging store."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version

from grdf import settings
from grdf.doctor.findings import Finding, of_error
from grdf.health import every_setting
from grdf.options import quoted_id
from grdf.staging.area import Staging
from grdf.staging.folder import local_path


def versions() -> Iterator[Finding]:
    """Say what runs here."""
    airflow = version("apache-airflow-core")
    yield Finding("versions", "ok", f"Python {platform.python_version()}, Airflow {airflow}")


def all_settings() -> Iterator[Finding]:
    """Read every setting of ``[grdf]``, as the tasks do, and look for what they name."""
    wrong = list(every_setting.wrong())
    for _, error in wrong:
        yield of_error("settings", error)
    if unknown := every_setting.unknown():
        named = ", ".join(quoted_id(name) for name in unknown)
        yield Finding(
            "settings", "bad", f"nothing reads these settings of [grdf]: {named}",
            "Correct their names or remove them (docs/settings.md has all).",
        )  # fmt: skip
    if not wrong:
        says = f"all {len(every_setting.readers())} settings of [grdf] can be read; no alert was sent to try one"
        yield Finding("settings", "ok", says)


def staging() -> Iterator[Finding]:
    """List a folder in the staging store, and see whether a local one may be written to. Nothing is written."""
    url = settings.staging_url()
    if problem := _unwritable(url):
        yield Finding(
            "staging", "bad", f"GRDF's answers cannot be kept in {url}: {problem}",
            "Make that folder, and let Airflow's user write there, or correct [grdf] staging_url.",
        )  # fmt: skip
        return
    number = Staging(url).count("doctor")
    where = url.partition("://")[0]
    yield Finding("staging", "ok", f"the staging store ({where}) answers" + (f", {number} file(s)" if number else ""))


def _unwritable(url: str) -> str:
    """Return why a local folder cannot be written to, or made where the tasks would make it; ``""`` if it can."""
    folder = local_path(url)
    if folder is None:
        return ""
    nearest = folder.absolute()
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"this user may not write to {nearest}"
    return ""
