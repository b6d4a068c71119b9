"""Checks of this machine and of the settings: versions, every ``[grdf]`` setting, the staging store."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version

from airflow.sdk.configuration import conf

from grdf import settings
from grdf.airflow.command_line import is_in_database
from grdf.doctor.findings import Finding, of_error
from grdf.health import every_setting
from grdf.staging.area import Staging
from grdf.staging.entries import local_path


def versions() -> Iterator[Finding]:
    """Say what runs here."""
    airflow = version("apache-airflow-core")
    yield Finding("versions", "ok", f"Python {platform.python_version()}, Airflow {airflow}")


def all_settings() -> Iterator[Finding]:
    """Read every setting of ``[grdf]``, as the tasks do."""
    wrong = list(every_setting.wrong())
    for name, error in wrong:
        found = of_error("settings", error)
        if name == every_setting.OF_API_SERVERS:
            found = replace(found, state="look", do=f"{found.do} Only API servers need it.")
        yield found
    if not wrong:
        yield Finding("settings", "ok", f"all {len(every_setting.readers())} settings of [grdf] can be read")


def staging() -> Iterator[Finding]:
    """List a folder in the staging store, and see whether a local one may be written to. Nothing is written."""
    url, conn_id = settings.staging_url(), settings.staging_conn_id()
    yield from _editable("staging", conn_id, "the workers'")
    number = Staging(url, conn_id).count("doctor")
    if problem := _unwritable(url):
        yield Finding(
            "staging", "bad", f"GRDF's answers cannot be kept in {url}: {problem}",
            "Make that folder, and let Airflow's user write there, or correct [grdf] staging_url.",
        )  # fmt: skip
        return
    where = url.partition("://")[0]
    yield Finding("staging", "ok", f"the staging store ({where}) answers" + (f", {number} file(s)" if number else ""))


def remote_logs() -> Iterator[Finding]:
    """Look where the connection is with which Airflow reads and writes the logs of tasks elsewhere, if it does."""
    if conf.getboolean("logging", "remote_logging", fallback=False):
        conn_id = conf.get("logging", "remote_log_conn_id", fallback="")
        yield from _editable("logs", conn_id, "the API server's and the workers'")


def _editable(what: str, conn_id: str | None, whose: str) -> Iterator[Finding]:
    """Look whether the connection of an object store is one that people may edit in Airflow."""
    if conn_id and is_in_database(conn_id):
        yield Finding(
            what, "look",
            f"its connection {conn_id} is in Airflow's database: whoever may edit it can read {whose} files and "
            "secrets, since it may name a file and where to send it",
            f"Give it to the services as AIRFLOW_CONN_{conn_id.upper()}, and delete it under Admin, Connections.",
        )  # fmt: skip


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
    if nearest != folder.absolute():
        room = os.statvfs(nearest)
        if not (room.f_blocks or room.f_files):  # such as /proc, where nothing is refused to root by its rights
            return f"no folder can be made in {nearest}, which is no disk"
    return ""
