"""Reads daily temperatures from a file or an address that an operator names."""

from __future__ import annotations

from pathlib import Path

import requests

from grdf.hooks.http_calls import LimitedAdapter
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import redact

MOST_BYTES = 20_000_000
"""A century of days has about one."""
SECONDS = 60


def read_temperatures(place: str) -> str:
    """Return the content; ``BadSettings`` without such a file, ``ServiceUnavailable`` if the address fails."""
    if not place.startswith(("http://", "https://")):
        try:
            return Path(place.removeprefix("file://")).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = f"the file of [grdf] weather_url cannot be read ({type(error).__name__})"
            raise BadSettings.about(
                None, why, "Put it there, readable for the user that runs Airflow's tasks."
            ) from None
    try:
        answer = LimitedAdapter(seconds=SECONDS, most=MOST_BYTES).session().get(place, timeout=SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        why = f"{redact(place.partition('?')[0])} gave no temperatures ({type(error).__name__})"
        step = "The last ones hold. Check [grdf] weather_url if it stays so."
        raise ServiceUnavailable.about(None, why, step) from None
    return answer.content.decode("utf-8-sig", errors="replace")
