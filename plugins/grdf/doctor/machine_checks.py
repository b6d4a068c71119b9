"""Checks of this machine: versions, ``[grdf]`` settings, staging store."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version

from grdf import settings
from grdf.doctor.findings import Finding, finding_of_error
from grdf.health import settings_check
from grdf.options import quoted_id
from grdf.staging.folder import local_path
from grdf.staging.staged_answers import Staging


def report_versions() -> Iterator[Finding]:
    """Report the versions."""
    airflow = version("apache-airflow-core")
    yield Finding("ok", f"Python {platform.python_version()}, Airflow {airflow}")


def check_settings() -> Iterator[Finding]:
    """Read every ``[grdf]`` setting as the tasks do, and check what it names."""
    wrong = settings_check.find_wrong_settings()
    for error in wrong:
        yield finding_of_error(error)
    if unknown := settings_check.find_unknown_options():
        named = ", ".join(quoted_id(name) for name in unknown)
        yield Finding(
            "bad", f"nothing reads these settings of [grdf]: {named}",
            "Correct their names or remove them (docs/settings.md has all).",
        )  # fmt: skip
    if not wrong:
        says = f"all {len(settings.SETTINGS)} settings of [grdf] can be read; no alert was sent to try one"
        yield Finding("ok", says)


def check_staging() -> Iterator[Finding]:
    """List a folder of the staging store, and check that a local one is writable, without writing."""
    url = settings.staging_url()
    if problem := _unwritable(url):
        yield Finding(
            "bad", f"GRDF's answers cannot be kept in {url}: {problem}",
            "Make that folder, and let Airflow's user write there, or correct [grdf] staging_url.",
        )  # fmt: skip
        return
    Staging(url).count("doctor")
    yield Finding("ok", f"the staging store ({url.partition('://')[0]}) answers")


def _unwritable(url: str) -> str:
    """Return why a local folder cannot be written to or made; ``""`` if it can."""
    folder = local_path(url)
    if folder is None:
        return ""
    nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(each))
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"this user may not write to {nearest}"
    return ""
