"""Checks of what the daily check of health needs besides its settings: its notifier, and its connection to Airflow."""

from __future__ import annotations

from collections.abc import Iterator

from grdf import settings
from grdf.doctor.findings import Finding, of_error
from grdf.health import every_setting
from grdf.hooks.connection import airflow_connection, base_url
from grdf.transport.addresses import what_is_wrong
from include.gas.errors import BadSettings
from include.gas.redact import redact

WHAT = "settings"
NAME = "airflow_conn_id"


def notifier() -> Iterator[Finding]:
    """Make the notifier of ``[grdf] alert_notifier``, as ``grdf_health`` does before it looks. Nothing is sent."""
    from grdf.health import alerting

    try:
        alerter = alerting.Alerter()
    except BadSettings as error:
        if str(error) not in {str(other) for _, other in every_setting.wrong()}:  # those are told already
            yield of_error(WHAT, error)
        return
    except Exception as error:  # noqa: BLE001 - a notifier is anybody's code
        said = redact(f"{type(error).__name__}: {error}")[:200]
        yield Finding(
            WHAT, "bad", f"the notifier of [grdf] alert_notifier cannot be made ({said})",
            "Correct it, and [grdf] alert_notifier_kwargs.",
        )  # fmt: skip
        return
    if alerter.path:
        yield Finding(WHAT, "ok", f"the notifier {alerter.path} takes its arguments; nothing was sent")


def connection() -> Iterator[Finding]:
    """Look for the connection of ``[grdf] airflow_conn_id``, if it is set. Airflow's API is not asked."""
    try:
        conn_id = settings.airflow_conn_id()
    except BadSettings:  # told by the settings
        return
    if conn_id is None:
        return
    try:
        url = base_url(airflow_connection(conn_id), default_scheme="http")
    except BadSettings as error:
        found = of_error(WHAT, error)
        yield Finding(WHAT, "bad", f"{found.says}, which [grdf] {NAME} names", f"{found.do} Or clear [grdf] {NAME}.")
        return
    if fault := what_is_wrong(url):
        yield Finding(
            WHAT, "bad", f"the host of the Airflow connection {conn_id} {fault}",
            f"Correct it, or clear [grdf] {NAME}.",
        )  # fmt: skip
        return
    yield Finding(WHAT, "ok", f"the connection {conn_id} of [grdf] {NAME} is there")
