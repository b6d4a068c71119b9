"""The data token that all accounts and workers share, kept in one Airflow Variable.

Variables are encrypted at rest. Unlike connections, a task can read and write them (Airflow 3 doc).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, ClassVar, Protocol

import msgspec

from grdf.quota.terms import DAILY, Terms
from include.gas.account.sections.client import DEFAULT

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
VARIABLE = "grdf_data_token"
"""Name of the Variable. Airflow masks the value of a Variable whose name contains "token"."""


def variable_of(conn_id: str) -> str:
    """Return the name of the Variable with the token of a connection's client."""
    return VARIABLE if conn_id == DEFAULT else f"{VARIABLE}_{conn_id}"


@dataclass(frozen=True)
class DataToken:
    """A data token with its properties. The token itself is left out of its ``repr``.

    :param value: the bearer token
    :param scope: the scope that GRDF granted
    :param client: a short fingerprint of the client id that it was issued to
    :param asked_at: when it was requested, taken before the request, UTC
    :param until: when it expires, UTC, counted from ``asked_at``
    """

    value: Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")] = field(repr=False)  # what a header may contain
    scope: str
    client: str
    asked_at: Moment
    until: Moment

    @classmethod
    def granted(cls, value: str, *, scope: str, client_id: str, asked_at: datetime, lifetime: float) -> DataToken:
        """Return a token made from GRDF's answer.

        :param asked_at: when it was requested, taken before the request, UTC
        :param lifetime: ``expires_in`` of the answer, in seconds
        """
        return cls(value, scope, fingerprint(client_id), asked_at, asked_at + timedelta(seconds=lifetime))

    def serves(self, *, scope: str, client_id: str, for_seconds: float, now: datetime | None = None) -> bool:
        """Return whether the token can be used for some time yet.

        The required margin is at most half of the token's lifetime, so that a short-lived token is not renewed at every
        step.

        :param scope: the scope needed
        :param client_id: the connection's current client id
        :param for_seconds: how long the work ahead may take
        :param now: the present, UTC
        """
        now = now or datetime.now(UTC)
        needed = min(timedelta(seconds=for_seconds), (self.until - self.asked_at) * 0.5)
        return self.client == fingerprint(client_id) and scope in self.scope.split() and now + needed < self.until

    def dump(self) -> str:
        """Return the text to store in the Variable."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def load(cls, text: str | None) -> DataToken | None:
        """Return the token in the Variable's text, or ``None`` if there is no text or it has been altered."""
        try:
            return msgspec.json.decode(text or "", type=cls)
        except (msgspec.MsgspecError, RecursionError):
            return None


def fingerprint(client_id: str) -> str:
    """Return a short fingerprint of a client id, so that a token of former credentials is not used with new ones."""
    return sha256(client_id.encode()).hexdigest()[:16]


class TokenShelf(Protocol):
    """The place where the shared token is kept."""

    def read(self) -> str | None:
        """Return the stored text, or ``None`` if there is none."""

    def write(self, text: str) -> None:
        """Replace the stored text."""


class VariableShelf:
    """A shelf that all Airflow workers share: a Variable.

    :param variable: its name
    """

    def __init__(self, variable: str = VARIABLE) -> None:
        self.variable = variable

    def read(self) -> str | None:
        """Return the Variable's value, and mask the token in the logs."""
        from airflow.sdk import Variable
        from airflow.sdk.log import mask_secret

        text: str | None = Variable.get(self.variable, default=None)
        if text and (token := DataToken.load(text)):
            mask_secret(token.value)
        return text

    def write(self, text: str) -> None:
        """Set the Variable."""
        from airflow.sdk import Variable

        described = "GRDF data token shared by all accounts of a client; renewed automatically"
        Variable.set(self.variable, text, description=described)


class MemoryShelf:
    """A shelf for processes that cannot write Variables, since no task runs in them. It ends with the process.

    :param variable: the name of the Variable whose place it takes
    :param texts: the texts by such names; those of the whole process by default
    """

    _of_process: ClassVar[dict[str, str]] = {}

    def __init__(self, variable: str = VARIABLE, texts: dict[str, str] | None = None) -> None:
        self._variable = variable
        self._texts = self._of_process if texts is None else texts

    def read(self) -> str | None:
        """Return the stored text, or ``None`` if there is none."""
        return self._texts.get(self._variable)

    def write(self, text: str) -> None:
        """Replace the stored text."""
        self._texts[self._variable] = text


class SharedToken:
    """Hands out the shared token, which one worker at a time renews.

    :param ask: requests a new token from GRDF
    :param scope: the scope that the connection asks for
    :param client_id: the connection's client id
    :param shelf: where the token is kept
    :param one_at_a_time: returns a context in which no other worker renews; the default does not exclude others
    """

    def __init__(
        self,
        ask: Callable[[Terms], DataToken],
        *,
        scope: str,
        client_id: str,
        shelf: TokenShelf,
        one_at_a_time: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._ask = ask
        self._scope = scope
        self._client_id = client_id
        self._shelf = shelf
        self._one_at_a_time = one_at_a_time

    def get(self, *, for_seconds: float = 900, terms: Terms = DAILY) -> tuple[DataToken, bool]:
        """Return a usable token, and request one from GRDF if necessary.

        :param for_seconds: how long the work ahead may take
        :param terms: how a call for a new token waits for GRDF's quota
        :return: the token, and whether GRDF was called
        :raises CredentialsRefused, ServiceUnavailable: if the call for a token fails
        """
        if token := self._stored(for_seconds):
            return token, False
        with self._one_at_a_time():
            if token := self._stored(for_seconds):  # another worker renewed it while this one waited
                return token, False
            token = self._ask(terms)
            self._shelf.write(token.dump())
            return token, True

    def drop(self, refused: DataToken) -> None:
        """Forget a token that GRDF has refused (HTTP 401), so that nobody uses it again."""
        if DataToken.load(self._shelf.read()) == refused:
            self._shelf.write("")

    def _stored(self, for_seconds: float) -> DataToken | None:
        token = DataToken.load(self._shelf.read())
        serves = token and token.serves(scope=self._scope, client_id=self._client_id, for_seconds=for_seconds)
        return token if serves else None
