"""The data token that all accounts and workers share, kept in one Airflow Variable for each client.

Variables are encrypted at rest. Unlike connections, a task can read and write them (Airflow 3 doc).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated

import msgspec

from grdf.hooks.connection import GrdfConnection
from include.gas.account.sections.client import DEFAULT

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
VARIABLE = "grdf_data_token"
"""Name of the Variable. Airflow masks the value of a Variable whose name contains "token"."""
MARGIN = timedelta(seconds=900)
"""How long before its end a token is renewed: the work ahead may take that long."""
SOON, LONGEST = 60, 366 * 86_400
"""Seconds of a life that GRDF does not name, and of the longest that it may."""


def variable_of(conn_id: str) -> str:
    """Return the name of the Variable with the token of a connection's client."""
    return VARIABLE if conn_id == DEFAULT else f"{VARIABLE}_{conn_id}"


class Variables:
    """Airflow's Variables, by name. A ``dict`` takes their place where no task runs, so that none can be written."""

    def get(self, name: str) -> str | None:
        """Return a Variable's value."""
        from airflow.sdk import Variable

        text: str | None = Variable.get(name, default=None)
        return text

    def __setitem__(self, name: str, text: str) -> None:
        """Set a Variable."""
        from airflow.sdk import Variable

        about = "GRDF data token shared by all accounts of a client; renewed automatically"
        Variable.set(name, text, description=about)


@dataclass(frozen=True)
class DataToken:
    """A data token. The token itself is left out of its ``repr``.

    :param client: a short fingerprint of the client id and the scope that it was issued for
    :param until: until when it is used, UTC: :data:`MARGIN` before its end, or half of a short life
    """

    value: str = field(repr=False)
    client: str
    until: Moment

    @classmethod
    def granted(cls, value: str, facts: GrdfConnection, asked_at: datetime, expires_in: object) -> DataToken:
        """Return a token made from GRDF's answer.

        :param asked_at: when it was requested, taken before the request, UTC
        :param expires_in: its lifetime in seconds
        """
        try:
            seconds = float(str(expires_in))
        except ValueError:
            seconds = 0
        life = timedelta(seconds=seconds if 0 < seconds < LONGEST else SOON)
        return cls(value, fingerprint(facts), asked_at + life - min(MARGIN, life / 2))

    @classmethod
    def load(cls, text: str | None) -> DataToken | None:
        """Return the token in a Variable's text, or ``None`` if there is none."""
        try:
            return msgspec.json.decode(text or "", type=cls)
        except (msgspec.MsgspecError, RecursionError):
            return None

    def dump(self) -> str:
        """Return the text to store in the Variable."""
        return msgspec.json.encode(self).decode()

    def serves(self, facts: GrdfConnection, now: datetime | None = None) -> bool:
        """Return whether the token can be used with a connection, for some time yet."""
        return self.client == fingerprint(facts) and (now or datetime.now(UTC)) < self.until


def fingerprint(facts: GrdfConnection) -> str:
    """Return a short fingerprint of what a token is for, so that none of former credentials is used with new ones."""
    return sha256(f"{facts.client_id} {facts.scope}".encode()).hexdigest()[:16]
