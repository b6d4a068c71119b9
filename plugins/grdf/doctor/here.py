"""Checks of this machine and of the settings: versions, every ``[grdf]`` setting, the staging store."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version

from grdf import settings
from grdf.airflow.command_line import is_in_database
from grdf.doctor.findings import Finding, of_error
from grdf.health import every_setting
from grdf.staging.area import Staging


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
    """List a folder in the staging store. Nothing is written: the tasks do that under another name."""
    url, conn_id = settings.staging_url(), settings.staging_conn_id()
    if conn_id and is_in_database(conn_id):
        yield Finding(
            "staging", "look",
            f"its connection {conn_id} is in Airflow's database: whoever may edit it can read the workers' files and "
            "secrets, since it may name a file and where to send it",
            f"Give it to the services as AIRFLOW_CONN_{conn_id.upper()}, and delete it under Admin, Connections.",
        )  # fmt: skip
    number = Staging(url, conn_id).count("doctor")
    where = url.partition("://")[0]
    yield Finding("staging", "ok", f"the staging store ({where}) answers" + (f", {number} file(s)" if number else ""))
