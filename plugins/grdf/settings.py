"""The options of Airflow's section ``[grdf]``; ``docs/settings.md`` explains them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, get_args

from grdf.options import Setting, WrongOption, boolean, number, text
from include.gas.account.client import CONNECTION_ID, DEFAULT
from include.gas.city.disclosure import SMALLEST
from include.gas.city.weather import BASE
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.windows import HISTORY_YEARS
from include.gas.redact import holds_password, redact

WayIn = Literal["direct", "client_connect"]
WAYS_IN: tuple[WayIn, ...] = get_args(WayIn)


@Setting
def state_folder(written: str) -> Path:
    """Return the folder for our files: the copy of the account list, local staging, the count of calls.

    The image has it outside Airflow's home, which Python searches: a ``grdf/__init__.py`` there would replace this
    package.
    """
    return Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow") / (written or "grdf")


@Setting
def staging_url(written: str) -> str:
    """Return where raw answers wait; before its ``@`` stands a connection, no login: messages name the place."""
    return _check_place(written or f"file://{state_folder() / 'staging'}", "staging")


@Setting
def lake_url(written: str) -> str | None:
    """Return where the copy for analysts is, as :func:`staging_url` says; ``None`` if there is none."""
    return _check_place(written, "lake") if written else None


def _check_place(url: str, folder: str) -> str:
    query = url.partition("?")[2]
    if holds_password(url) or redact(query) != query:
        raise WrongOption(
            "holds a login, which Airflow would show wherever it shows the place",
            "Put it into an Airflow connection for that store, and write the connection's id in its place "
            f"(s3://connection@bucket/{folder}). If tasks have run with it, change the password: logs may have it.",
        )
    if not url.partition("://")[0].isalnum() or "://" not in url:
        do = f"Set a URL with a scheme, such as file:///var/lib/grdf/{folder} or s3://connection@bucket/{folder}."
        raise WrongOption("is not a URL", do)
    return url.rstrip("/")


reread_days = number("reread_days", REREAD_DAYS, least=0, most=1000)
publication_days = number("publication_days", 1, least=0, most=4)
"""Days from the end of a gas day to the morning of its run. Rows arrive from D+1 to D+3 (ADICT 3.9), mostly on D+1."""
first_hour = number("first_hour", 8, least=0, most=23)
spread_minutes = number("spread_minutes", 240, least=1, most=1440)
retries = number("retries", 3, least=0, most=50)
retry_seconds = number("retry_seconds", 600, least=1, most=86_400)


@Setting
def connections(written: str) -> tuple[str, ...]:
    """Return our clients' connections in order: a contract gives 6,000 calls a day for fewer than 5,000 meters."""
    named = [word.strip() for word in (written or DEFAULT).split(",")]
    what = ""
    if not all(map(CONNECTION_ID.fullmatch, named)):
        what = "names what is not the id of an Airflow connection with which data may be read"
    elif len({*named}) < len(named):
        what = "names one connection twice"
    elif len({word.casefold() for word in (*named, DEFAULT)}) < len({*named, DEFAULT}):
        # The variable AIRFLOW_CONN_… has upper-case letters for both: one client, counted as two.
        what = f"has ids that differ in upper and lower case only ({DEFAULT} always counts as one of them)"
    if what:
        do = f"Set it to the ids of Airflow connections, separated by commas, such as {DEFAULT}, grdf_south."
        raise WrongOption(what, do)
    return tuple(named)


@Setting
def quota_url(written: str) -> str:
    """Return where all workers count the calls to GRDF: a file or a PostgreSQL."""
    return written or f"sqlite:///{state_folder() / 'quota.db'}"


pool = text("pool", "default_pool")
meter_in_several_accounts = boolean("meter_in_several_accounts", False)
deletion_needs_approval = boolean("deletion_needs_approval", True)
deletion_by_one_person = boolean("deletion_by_one_person", False)
deletion_queue = text("deletion_queue")
third_party = text("third_party")


@Setting
def ways_in(written: str) -> tuple[WayIn, ...]:
    """Return the ways in on the page in order, ``direct`` first: GRDF's customers give up on its site (ADICT 5)."""
    named = [word.strip().lower() for word in (written or ", ".join(WAYS_IN)).split(",") if word.strip()]
    ways = tuple(way for word in dict.fromkeys(named) for way in WAYS_IN if way == word)
    if not ways or len(ways) != len({*named}):
        do = "Set it to one or both, separated by a comma."
        raise WrongOption(f"names something else than {', '.join(WAYS_IN)}", do)
    return ways


@Setting
def consent_text(written: str) -> Path | None:
    """Return the folder of the consent texts ``<version>.fr.txt`` and ``.en.txt``; ``None`` for our own."""
    return Path(written) if written else None


consent_record_days = number("consent_record_days", 1826, least=0, most=36_500)
"""GRDF may ask for a proof for five years (ADICT 3.6), and a claim go to court (Code civil, article 2224)."""
smallest_group = number("smallest_group", SMALLEST, least=SMALLEST, most=1000)
weather_url = text("weather_url")
degree_day_base = number("degree_day_base", BASE, least=10, most=25)


@Setting
def heating_season(written: str) -> tuple[int, int]:
    """Return the first and the last month of the heating season."""
    first, _, last = (written or "10-5").partition("-")
    try:
        months = int(first), int(last)
    except ValueError:
        months = 0, 0
    if not all(1 <= month <= 12 for month in months):
        raise WrongOption("is not two months", "Set it to the first and the last month of the heating season: 10-5.")
    return months


KEEP_ALL = 100
days_kept_years = number("days_kept_years", KEEP_ALL, least=HISTORY_YEARS, most=KEEP_ALL)
"""Calendar years of gas days before the current one. GRDF serves three years, which are read again each month."""
household_links = boolean("household_links", False)
airflow_conn_id = text("airflow_conn_id")
alert_notifier = text("alert_notifier")


@Setting
def alert_notifier_kwargs(written: str) -> dict[str, Any]:
    """Return the notifier's arguments, a JSON object. Secrets belong into the connection that it names."""
    try:
        found = json.loads(written or "{}")
    except (ValueError, RecursionError):  # the latter of braces that are nested too deep
        found = None
    if not isinstance(found, dict):
        do = 'Set it to the arguments of the notifier, such as {"to": "team@example.org"}.'
        raise WrongOption("is no JSON object", do)
    return found


@Setting
def price_file(written: str) -> Path | None:
    """Return the CSV file with the prices of gas; ``None`` if others keep Cozy's table, or nobody does."""
    return Path(written) if written else None


@Setting
def couchdb_readers(written: str) -> list[str]:
    """Return the CouchDB users that the set-up lets into the gas data."""
    return [name.strip() for name in written.split(",") if name.strip()]


SETTINGS: dict[str, Setting[Any]] = {name: each for name, each in list(globals().items()) if isinstance(each, Setting)}
