"""What is seen from outside: runs that have ended, requests that GRDF has got, and what goes wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

ACCOUNTS = "io-cozy-accounts"
DAYS, MONTHS, YEARS = (f"com-grandlyon-grdf-{what}" for what in ("day", "month", "year"))
PERIODS = "com-grandlyon-grdf-published"
RIGHTS = "com-grandlyon-grdf-meter"
RECORDS_OF_DELETIONS = "com-grandlyon-grdf-audit"
METERS = tuple(f"0999999{number:07}" for number in range(101, 400))
MOVED, ENDED, REVOKED = "1000000", "1000001", "1000014"
"""What GRDF answers about a meter (docs/adict-api.md)."""
PUT = {"path": "/droit_acces$", "method": "PUT"}
"""A fault of the request that declares a right."""
Document = dict[str, Any]


class Killed(BaseException):
    """Our process has been killed. Nothing may catch this."""


class TimedOut(BaseException):
    """Airflow ended the task after its ``execution_timeout``."""


@dataclass
class Ended:
    """``state``: ``success``, ``skipped``, ``failed``, or ``killed`` if its process died and was not started again."""

    state: str
    text: str = ""
    result: Any = field(default=None, repr=False)
    seconds: float = 0.0
    error: BaseException | None = None

    @property
    def well(self) -> bool:
        return self.state in ("success", "skipped")


@dataclass
class Job:
    worker: Any = None
    dag: str = ""
    account: str | None = None
    run: str = ""


@dataclass
class Asked:
    at: datetime
    job: Job
    method: str
    path: str
    query: dict[str, str]
    body: str
    status: int = 0

    @property
    def pce(self) -> str:
        found = re.search(r"/pce/([^/]+)/", self.path + "/")
        return found[1] if found else ""

    def days(self) -> tuple[date, date]:
        """The gas days it asks for: the first, and the day after the last."""
        return date.fromisoformat(self.query["date_debut"]), date.fromisoformat(self.query["date_fin"])


@dataclass
class Fault:
    """Something that goes wrong with some of the next requests.

    :param what: an HTTP status; ``down``; ``lost`` (done, but the answer does not arrive) or ``cut`` in the middle;
        ``kill`` and ``kill after`` (our process dies before it and after it); ``drip`` (a few bytes a minute);
        ``twice`` (a second right may be declared); or a function of the answer's body
    :param couchdb: whether CouchDB is meant, not GRDF
    """

    what: Any
    path: str = ""
    method: str = ""
    times: float = 1
    after: int = 0
    retry_after: int | None = None
    couchdb: bool = False
