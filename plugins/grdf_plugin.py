"""The only module that Airflow's plugin loader reads (``.airflowignore`` hides the rest of this folder from it).

Every Airflow process imports it, including that of each task. So the page, whose FastAPI takes more than a second to
import, is created only when the API server asks for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from grdf.airflow import preload
from grdf.timetable import GasDayTimetable

PAGE = "grdf"
"""The path of the page below Airflow's own address."""


class GrdfPlugin(AirflowPlugin):
    """Registers the gas-day timetable with every Airflow component, and the page "Gas" with the API server."""

    name = "grdf"
    timetables = [GasDayTimetable]
    listeners = [preload]
    # Airflow drops the whole plugin from its UI if one value here is invalid. An href without a leading slash is
    # relative to ``[api] base_url``, so that it also works below a sub-path; so is an icon, one for each theme.
    external_views = [
        {
            "name": "Gas",  # the navigation cuts off what is longer than its column
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
