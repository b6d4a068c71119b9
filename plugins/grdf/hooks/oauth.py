"""GRDF's OAuth: codes and ``id_token`` of Client Connect, and the data token of all accounts.

GRDF has no refresh tokens. Calls for data carry the third party's own ``client_credentials`` token (ADICT 2.1), shared
in an Airflow Variable per client: Variables are encrypted at rest, and tasks can write them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import requests
from airflow.sdk import BaseHook, Variable, conf
from airflow.sdk.log import mask_secret

from grdf.hooks.connection import GrdfConnection, airflow_connection, check_client_unique
from grdf.hooks.http_calls import (
    SECONDS,
    TIMEOUT,
    LimitedAdapter,
    no_answer_error,
    parse_json,
    retry_after,
    send_at_turn,
)
from grdf.quota.call_terms import CONNECT, DAILY, Terms
from grdf.quota.governor import Turn, governor_for
from include.gas.account.client import DEFAULT
from include.gas.answers.refusals import token_error
from include.gas.errors import BadSettings, CredentialsRefused, IdTokenRefused, ServiceUnavailable

if TYPE_CHECKING:
    from include.gas.answers.id_token import Claim

CODE_RETRY = 30.0
"""Seconds until a code is tried again: it is valid for minutes, and tasks usually wait ten."""
CALLBACK = "/callback"
"""Path, below the page's address, to which GRDF sends a household back."""
SMALL = 1_000_000
"""Largest answer with tokens or keys, in bytes."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
VARIABLE = "grdf_data_token"
"""Airflow masks values of Variables with "token" in their name."""
MARGIN = timedelta(seconds=900)
"""Time before its end at which a token is renewed: as long as the work ahead."""
SOON = 60
"""Seconds of a life that GRDF does not name."""


def variable_of(conn_id: str) -> str:
    """Return the name of the Variable with a client's token."""
    return VARIABLE if conn_id == DEFAULT else f"{VARIABLE}_{conn_id}"


class Variables:
    """Airflow's Variables by name; a ``dict`` outside of tasks, where none can be written."""

    def get(self, name: str) -> str | None:
        """Return a Variable's value."""
        text: str | None = Variable.get(name, default=None)
        return text

    def __setitem__(self, name: str, text: str) -> None:
        Variable.set(name, text, description="GRDF data token shared by all accounts of a client; renewed by itself")


@dataclass(frozen=True)
class DataToken:
    """A data token; its ``repr`` lacks the token itself.

    :param until: until when it is used, UTC: :data:`MARGIN` before its end, or half of a short life
    """

    value: str = field(repr=False)
    client: str
    until: Moment

    @classmethod
    def from_answer(cls, value: str, facts: GrdfConnection, asked_at: datetime, expires_in: object) -> DataToken:
        """Return the token of GRDF's answer for a time before the request, UTC, and a life in seconds."""
        text = str(expires_in).partition(".")[0]
        life = timedelta(seconds=(text.isdecimal() and len(text) < 9 and int(text)) or SOON)
        return cls(value, fingerprint(facts), asked_at + life - min(MARGIN, life / 2))

    @classmethod
    def load(cls, text: str | None) -> DataToken | None:
        """Return the token in a Variable's text, if any."""
        try:
            return msgspec.json.decode(text or "", type=cls)
        except (msgspec.MsgspecError, RecursionError):
            return None

    def dump(self) -> str:
        """Return the Variable's text."""
        return msgspec.json.encode(self).decode()

    def is_usable(self, facts: GrdfConnection, now: datetime | None = None) -> bool:
        """Return whether the token will serve a connection for some time."""
        return self.client == fingerprint(facts) and (now or datetime.now(UTC)) < self.until


def fingerprint(facts: GrdfConnection) -> str:
    """Return a fingerprint of a token's purpose, so that new credentials never use an old token."""
    return sha256(f"{facts.client_id} {facts.scope}".encode()).hexdigest()[:16]


class GrdfOAuthHook(BaseHook):
    """Calls GRDF's token endpoint; ``CredentialsRefused`` or, without a usable answer, ``ServiceUnavailable``."""

    def __init__(self, grdf_conn_id: str = DEFAULT) -> None:
        super().__init__()
        self.grdf_conn_id = grdf_conn_id

    @cached_property
    def facts(self) -> GrdfConnection:
        """The connection's fields, checked; no other client may have its id."""
        facts = GrdfConnection.from_airflow(airflow_connection(self.grdf_conn_id))
        check_client_unique(facts)
        return facts

    @property
    def redirect_uri(self) -> str:
        """The address registered with GRDF for returning households; ``BadSettings`` if it is unknown."""
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        if address := self.facts.redirect_uri or (f"{base}/grdf{CALLBACK}" if base else ""):
            return address
        raise BadSettings.about(
            None,
            "the page does not know its own address, to which GRDF and links lead households",
            f"Set redirect_uri in the extra of the connection {self.grdf_conn_id}, or [api] base_url.",
        )

    def get_conn(self) -> requests.Session:
        """Return a plain HTTP session without credentials."""
        return LimitedAdapter(seconds=SECONDS, most=SMALL).session()

    def exchange_code(
        self, code: str, redirect_uri: str | None, *, account: str, code_verifier: str = "", terms: Terms = CONNECT
    ) -> str:
        """Exchange an authorization code for its ``id_token``, once (RFC 6749, 4.1.2).

        :param redirect_uri: where the code was received; ``None`` for the connection's
        :param code_verifier: the secret behind the code's challenge, if any (RFC 7636)
        :raises GrantRefused: if it is used, expired or not ours; the household has to consent again
        """
        form = {"code": code, "redirect_uri": redirect_uri or self.facts.redirect_uri}
        form |= {"code_verifier": code_verifier} if code_verifier else {}
        try:
            self._public_keys(account)  # first: a failure to get the keys later would waste the code
            answer = self._ask("authorization_code", form, terms, account=account)
        except ServiceUnavailable as error:
            error.retry_after = error.retry_after or CODE_RETRY
            raise
        if token := _text(answer, "id_token"):
            return token
        raise IdTokenRefused.about(
            account,
            "GRDF accepted the household's code but its answer has no id_token, so the meter is not known",
            "Ask GRDF whether Client Connect (scope openid) is enabled for this client, then let the household connect "
            "again.",
        )

    def verify_claims(
        self, id_token: str, *, account: str, nonce: str | None = None, ever: bool = False
    ) -> tuple[Claim, ...]:
        """Check an ``id_token`` and return its rights; ``IdTokenRefused`` if it fails or names no meter.

        :param ever: whether to accept an expired token
        """
        from include.gas.answers.id_token import LEEWAY, parse_claims, verify_id_token  # PyJWT is for first runs alone

        facts = self.facts
        claims = verify_id_token(
            id_token,
            account=account,
            client_id=facts.client_id,
            algorithms=list(facts.id_token_algorithms),
            secret=facts.client_secret,
            jwks=self._public_keys(account),
            issuer=facts.issuer,
            nonce=nonce,
            leeway=math.inf if ever else LEEWAY,
        )
        return parse_claims(claims, account=account)

    def request_data_token(self, terms: Terms = DAILY, turn: Turn | None = None) -> DataToken:
        """Request a new data token from GRDF; ``CredentialsRefused`` also if GRDF grants another scope."""
        facts, whose = self.facts, f"connection {self.grdf_conn_id}"
        asked_at = datetime.now(UTC)  # before the request, so that its life is never overestimated
        try:
            answer = self._ask("client_credentials", {"scope": facts.scope}, terms, turn=turn)
        except CredentialsRefused:
            # For all accounts: the next caller does not ask at once unless the credentials have changed.
            if not terms.trial:
                governor_for(facts).note_refusal()
            raise
        token = _text(answer, "access_token")
        if not token:
            raise ServiceUnavailable.about(None, f"GRDF's token endpoint answered without an access_token ({whose})")
        if facts.scope not in str(answer.get("scope") or facts.scope).split():
            raise CredentialsRefused.about(
                None,
                f"GRDF returned a token for another scope than {facts.scope} ({whose})",
                "Check that the connection's host and scope belong to the same environment as its login.",
            )
        return DataToken.from_answer(token, facts, asked_at, answer.get("expires_in"))

    def _ask(
        self, grant: str, form: dict[str, str], terms: Terms, *, account: str | None = None, turn: Turn | None = None
    ) -> dict[str, Any]:
        facts = self.facts
        form |= {"grant_type": grant, "client_id": facts.client_id, "client_secret": facts.client_secret}
        response, _ = send_at_turn(
            turn or governor_for(facts).turn(terms, account=account),
            "POST",
            facts.token_url,
            who=f"GRDF's token endpoint {facts.token_url}",
            most=SMALL,
            data=form,
            headers={"Accept": "application/json"},
        )
        status, seconds = response.status_code, retry_after(response)
        if refusal := token_error(status, response.text, account=account, grant=grant, retry_after=seconds):
            raise refusal
        answer = parse_json(response)
        if isinstance(answer, dict):
            return answer
        raise ServiceUnavailable.about(account, f"GRDF's token endpoint answered HTTP {status} without a JSON object")

    def _public_keys(self, account: str) -> dict[str, Any] | None:
        """Return the provider's public keys from ``jwks_url`` alone: they can sign an ``id_token`` for any meter."""
        url, connection = self.facts.jwks_url, f"the connection {self.grdf_conn_id}"
        if not url:
            return None
        try:
            with self.get_conn() as session:
                response = session.get(url, timeout=TIMEOUT, allow_redirects=False)
                response.raise_for_status()
                keys = None if response.is_redirect else response.json()
        except (requests.RequestException, RecursionError) as error:
            do = f"It is tried again. If this continues, check jwks_url in {connection}."
            raise no_answer_error(
                f"{url}, which has the public keys for GRDF's id_token,", error, account, do
            ) from None
        if not isinstance(keys, dict):
            raise BadSettings.about(
                account,
                f"{url} answers HTTP {response.status_code} without the public keys for GRDF's id_token (RFC 7517)",
                f"Correct jwks_url in the extra of {connection}.",
            )
        return keys


def _text(answer: dict[str, Any], name: str) -> str:
    """Return an answer's token, masked in logs; ``""`` if there is none."""
    token = answer.get(name)
    if not isinstance(token, str) or not token:
        return ""
    mask_secret(token)
    return token
