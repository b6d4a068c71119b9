"""The only module that Airflow's plugin loader reads. It imports the page only for the API server."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from grdf.airflow import preload
from grdf.timetable import GasDayTimetable

PAGE = "grdf"
"""The page's path below Airflow's address."""


class GrdfPlugin(AirflowPlugin):
    """Registers the timetable with every component, and the page "Gas" with the API server."""

    name = "grdf"
    timetables = [GasDayTimetable]
    listeners = [preload]
    # Airflow drops the whole plugin from its UI if one value here is invalid. Without a leading slash, hrefs and icons
    # are relative to ``[api] base_url``.
    external_views = [
        {
            "name": "Gas",  # longer ones are cut off
            "href": f"{PAGE}/fleet",
            "destination": "nav",
            "url_route": "gas-accounts",
            "icon": f"{PAGE}/static/gas.svg",
            "icon_dark_mode": f"{PAGE}/static/gas-dark.svg",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The page, for the process that serves it."""
        from grdf.page.app import create_app

        return [{"app": create_app(), "url_prefix": f"/{PAGE}", "name": "Gas accounts"}]
