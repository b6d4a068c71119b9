"""The settings of this project: a function for each option of Airflow's section ``[grdf]``."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from grdf.options import boolean, number, written, wrong
from include.gas.account.sections.client import CONNECTION_ID, DEFAULT
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.redact import holds_password, redact

RETRIES, RETRY_SECONDS = 3, 600
PUBLICATION_DAYS, FIRST_HOUR, SPREAD_MINUTES = 1, 8, 240
POOL = "default_pool"

WayIn = Literal["direct", "client_connect"]
WAYS_IN: tuple[WayIn, ...] = get_args(WayIn)


def state_folder() -> Path:
    """Return the folder for files of this project: a copy of the account list, local staging, the count of calls.

    The image has it elsewhere than below Airflow's home, which Python searches there: whoever may write
    ``grdf/__init__.py`` in it would take the place of this package in every service.
    """
    return Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow") / (written("state_folder").strip() or "grdf")


def staging_url() -> str:
    """Return where raw answers wait between ``extract`` and ``load``: any URL that ``ObjectStoragePath`` takes.

    What stands before the host's ``@`` is the Airflow connection for an object store.

    :raises BadSettings: if the value has no scheme, or holds a login: the place of a run's answers is an XCom, and
        stands in rendered fields and messages
    """
    url = written("staging_url").strip() or f"file://{state_folder() / 'staging'}"
    query = url.partition("?")[2]
    if holds_password(url) or redact(query) != query:
        raise wrong(
            "staging_url",
            "holds a login, which Airflow would show wherever it shows the place",
            "Put it into an Airflow connection for that store, and write the connection's id in its place "
            "(s3://connection@bucket/folder). If tasks have run with it, change the password: it is in their XComs.",
        )
    if not url.partition("://")[0].isalnum() or "://" not in url:
        next_step = "Set a URL with a scheme, such as file:///var/lib/grdf/staging or s3://connection@bucket/staging."
        raise wrong("staging_url", "is not a URL", next_step)
    return url.rstrip("/")


def reread_days() -> timedelta:
    """Return how far before its own gas day each run asks again.

    See ``include.gas.days.asked_days.REREAD_DAYS``.
    """
    return timedelta(days=number("reread_days", REREAD_DAYS, least=0, most=1000))


def publication_days() -> int:
    """Return the whole days between the end of a gas day and the morning of its run (default 1, which is day D+2).

    Rows of a gas day D arrive from D+1 to D+3 (ADICT 3.9), most often in the afternoon of D+1.
    """
    return number("publication_days", PUBLICATION_DAYS, least=0, most=4)


def first_hour() -> int:
    """Return the hour (0 to 23, Paris time) at which the first accounts run in the morning."""
    return number("first_hour", FIRST_HOUR, least=0, most=23)


def spread_minutes() -> int:
    """Return the minutes over which the accounts' runs are spread, starting at :func:`first_hour`."""
    return number("spread_minutes", SPREAD_MINUTES, least=1, most=1440)


def retries() -> int:
    """Return how often a task is tried again after a temporary failure."""
    return number("retries", RETRIES, least=0, most=50)


def retry_seconds() -> int:
    """Return the seconds to wait before such a retry, unless GRDF says how long."""
    return number("retry_seconds", RETRY_SECONDS, least=1, most=86_400)


def connections() -> tuple[str, ...]:
    """Return the Airflow connections of our clients at GRDF, in the order in which new accounts get them.

    GRDF's contract gives one client 6,000 calls a day for fewer than 5,000 meters; a city with more has several.

    :raises BadSettings: if the value is no list of ids, or names one twice, in whatever case, or one that may revoke
    """
    named = [word.strip() for word in (written("connections").strip() or DEFAULT).split(",")]
    what = ""
    if not all(map(CONNECTION_ID.fullmatch, named)):
        what = "names what is not the id of an Airflow connection with which data may be read"
    elif len({*named}) < len(named):
        what = "names one connection twice"
    elif len({word.casefold() for word in (*named, DEFAULT)}) < len({*named, DEFAULT}):
        # The variable AIRFLOW_CONN_… has upper-case letters for both: they are one client, counted as two.
        what = f"has ids that differ in upper and lower case only ({DEFAULT} always counts as one of them)"
    if what:
        next_step = f"Set it to the ids of Airflow connections, separated by commas, such as {DEFAULT}, grdf_south."
        raise wrong("connections", what, next_step)
    return tuple(named)


def quota_url() -> str:
    """Return where the calls to GRDF are counted for all workers together.

    The default is a SQLite file in Airflow's home, for one machine. Workers on several machines need
    ``postgresql://...`` (with the Python package ``psycopg[binary]``); otherwise each machine would use the whole
    quota.
    """
    return written("quota_url").strip() or f"sqlite:///{state_folder() / 'quota.db'}"


def pool() -> str:
    """Return the Airflow pool of all our tasks. Its slots limit how many of them run (and mostly wait) at once.

    The default is ``default_pool``. If the pool does not exist, the tasks never start.
    """
    return written("pool") or POOL


def meter_in_several_accounts() -> bool:
    """Return whether a meter may be connected if another account has it under a consent in force (default: no).

    Both accounts then read and store the same days, each under its own consent.
    """
    return boolean("meter_in_several_accounts", False)


def deletion_needs_approval() -> bool:
    """Return whether a deletion waits for a person's approval (default: yes)."""
    return boolean("deletion_needs_approval", True)


def deletion_by_one_person() -> bool:
    """Return whether the person who asked for a deletion may also approve it (default: no).

    It is for an Airflow with one user.
    """
    return boolean("deletion_by_one_person", False)


def deletion_queue() -> str | None:
    """Return the queue of the deletion's tasks. ``None``, the default, means Airflow's default queue.

    With Celery, only the workers that take this queue then need the secret that revokes consents.
    """
    return written("deletion_queue") or None


def third_party() -> str:
    """Return our own name as GRDF knows it, which is the last part of ``login_hint`` (ADICT 2.2)."""
    return written("third_party").strip()


def ways_in() -> tuple[WayIn, ...]:
    """Return the ways in which households may be connected on the page; the first is offered first.

    ``direct`` means that we declare the right and GRDF mails the contract's holder; it needs the data client alone.
    ``client_connect`` means GRDF's own site. The default is both, ``direct`` first, since GRDF's customers leave the
    other one (ADICT 5).

    :raises BadSettings: if the value names neither, or something else
    """
    named = [word.strip().lower() for word in (written("ways_in") or ", ".join(WAYS_IN)).split(",") if word.strip()]
    ways = tuple(way for word in dict.fromkeys(named) for way in WAYS_IN if way == word)
    if not ways or len(ways) != len({*named}):
        both = ", ".join(WAYS_IN)
        raise wrong("ways_in", f"names something else than {both}", "Set it to one or both, separated by a comma.")
    return ways


def consent_text() -> Path | None:
    """Return the folder with the texts that a household agrees to; ``None``, the default, for the project's own.

    It holds ``<version>.fr.txt`` and ``<version>.en.txt``, for example ``2.fr.txt``; the highest version is shown.
    """
    text = written("consent_text").strip()
    return Path(text) if text else None


def consent_record_days() -> int:
    """Return for how many days the record of a consent is kept after its account was deleted.

    The default is five years: GRDF may ask for the proof of a consent afterwards (ADICT 3.6), and until then a claim
    about it can be brought to court (French Code civil, article 2224). With 0 the deletion removes it at once.
    """
    return number("consent_record_days", 1826, least=0, most=36_500)


def household_links() -> bool:
    """Return whether operators may create links for households (default: no).

    With such a link a household connects its meters without a login to Airflow.
    """
    return boolean("household_links", False)


def airflow_conn_id() -> str | None:
    """Return the Airflow connection of an Airflow user: the API server's host, a login and a password.

    A deletion removes with it what Airflow remembers of the account, where that user may. In the environment of each
    service it may hold another user's login. With ``None``, the default, a deletion leaves Airflow's history alone.
    """
    return written("airflow_conn_id").strip() or None


def alert_notifier() -> str | None:
    """Return the class of the Airflow notifier that sends the alert, as ``module.Class``.

    ``None``, the default, sends none.
    """
    return written("alert_notifier").strip() or None


def alert_notifier_kwargs() -> dict[str, Any]:
    """Return the notifier's arguments, a JSON object. Secrets belong into the connection that it names.

    :raises BadSettings: if it is no JSON object
    """
    text = written("alert_notifier_kwargs").strip() or "{}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # the latter of braces that are nested too deep
        found = None
    if not isinstance(found, dict):
        next_step = 'Set it to the arguments of the notifier, such as {"to": "team@example.org"}.'
        raise wrong("alert_notifier_kwargs", "is no JSON object", next_step)
    return found


def couchdb_readers() -> list[str]:
    """Return the CouchDB users that the set-up lets into the gas data, beside those of its command line."""
    return [name.strip() for name in written("couchdb_readers").split(",") if name.strip()]
