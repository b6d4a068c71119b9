"""GRDF's OAuth: Client Connect's codes and ``id_token``, and the data token that serves every account.

GRDF has no refresh tokens. An authorization code can be exchanged once, for the ``id_token`` that names the household's
meters. Every call for data carries a ``client_credentials`` token of the third party itself (ADICT 2.1).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests
from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from grdf.hooks.connection import GrdfConnection, airflow_connection, stop_if_doubled
from grdf.hooks.data_token import DataToken
from grdf.quota.governor import governor_for
from grdf.quota.terms import CONNECT, DAILY, Terms
from grdf.transport.http_limits import LimitedAdapter, outcome, why
from grdf.transport.turn_adapter import SECONDS, TurnAdapter, send_at_turn
from include.gas.account.sections.client import DEFAULT
from include.gas.answers.claims import Claim, parse_claims
from include.gas.answers.id_token import LEEWAY, verify_id_token
from include.gas.answers.refusals import token_error
from include.gas.errors import BadSettings, CredentialsRefused, IdTokenRefused, ServiceUnavailable

PATIENCE = "It is tried again automatically. If this continues, check the network and GRDF's announcements of outages."
CODE_RETRY = 30.0
"""Seconds until a code is tried again after a failure. A code is valid for minutes; tasks usually wait ten."""
TIMEOUT = (5.0, 30.0)
"""Seconds to wait for a connection and for a part of an answer."""
SMALL = 1_000_000
"""Largest answer with tokens or keys, in bytes. Valid ones have a few thousand."""


class GrdfOAuthHook(BaseHook):
    """Calls GRDF's token endpoint with the credentials of one connection.

    :param grdf_conn_id: Airflow connection with the client id and secret
    """

    def __init__(self, grdf_conn_id: str = DEFAULT) -> None:
        super().__init__()
        self.grdf_conn_id = grdf_conn_id
        self._keys: dict[str, Any] | None = None

    @cached_property
    def facts(self) -> GrdfConnection:
        """The connection's fields, checked.

        :raises BadSettings: if a field is missing or wrong, or another of our clients has the same id
        """
        facts = GrdfConnection.read(airflow_connection(self.grdf_conn_id))
        stop_if_doubled(facts)
        return facts

    def get_conn(self) -> requests.Session:
        """Return a plain HTTP session.

        The credentials are sent in the body of each request and are never part of the session.
        """
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, LimitedAdapter(seconds=SECONDS, most=SMALL))
        return session

    def exchange_code(
        self,
        code: str,
        redirect_uri: str | None,
        *,
        account: str,
        code_verifier: str | None = None,
        terms: Terms = CONNECT,
    ) -> str:
        """Exchange an authorization code for its ``id_token``. A code can be used once (RFC 6749, 4.1.2).

        :param code: the code that Client Connect gave to the household's browser
        :param redirect_uri: the address at which the code was received, which the token endpoint compares; ``None``
            means the connection's
        :param account: the account's id, for messages
        :param code_verifier: the secret behind the code's challenge, if a challenge was sent (RFC 7636)
        :raises GrantRefused: if the code is used, expired or not ours; the household has to consent again
        :raises CredentialsRefused: if GRDF does not accept the client id or secret
        :raises ServiceUnavailable: if there is no usable answer; try again while the code may still be valid
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri or self.facts.redirect_uri,
            **({"code_verifier": code_verifier} if code_verifier else {}),
        }
        try:
            self._public_keys(account)  # before the code is used: a later failure to get the keys would waste the code
            answer = self._ask(form, terms, account=account)
        except ServiceUnavailable as error:
            if error.retry_after is None:
                error.retry_after = CODE_RETRY
            raise
        token = answer.get("id_token")
        if not isinstance(token, str) or not token:
            raise IdTokenRefused.about(
                cause="GRDF accepted the household's code but its answer has no id_token, so the meter is not known",
                account=account,
                next_step="Ask GRDF whether Client Connect (scope openid) is enabled for this client, then let "
                "the household connect again.",
            )
        mask_secret(token)
        return token

    def claims_of(
        self, id_token: str, *, account: str, nonce: str | None = None, ever: bool = False
    ) -> tuple[Claim, ...]:
        """Check an ``id_token`` and return the household's consents in it.

        :param id_token: the signed token
        :param account: the account's id, for messages
        :param nonce: the nonce sent to the authorize page, if one was sent
        :param ever: whether to accept an expired token, which still shows what was once consented to
        :raises IdTokenRefused: if its algorithm, signature, issuer, audience, time or nonce is wrong
        """
        facts = self.facts
        claims = verify_id_token(
            id_token,
            account=account,
            client_id=facts.client_id,
            algorithms=list(facts.id_token_algorithms),
            key=facts.client_secret,
            jwks=self._public_keys(account),
            issuer=facts.issuer,
            nonce=nonce,
            leeway=math.inf if ever else LEEWAY,
        )
        return parse_claims(claims, account=account)

    def ask_data_token(self, terms: Terms = DAILY) -> DataToken:
        """Request a new data token from GRDF.

        :raises CredentialsRefused: if GRDF does not accept the client id or secret, or grants another scope
        :raises ServiceUnavailable: if there is no usable answer
        """
        facts = self.facts
        asked_at = datetime.now(UTC)  # before the request, so that we never expect a token to live longer than it does
        try:
            answer = self._ask({"grant_type": "client_credentials", "scope": facts.scope}, terms, account=None)
        except CredentialsRefused:
            # This is the same for all accounts: the next caller does not ask at once unless the credentials have
            # changed.
            if not terms.trial:
                governor_for(facts).refused()
            raise
        token, scope = answer.get("access_token"), str(answer.get("scope") or facts.scope)
        if not isinstance(token, str) or not token:
            raise ServiceUnavailable.about(
                account=None,
                cause=f"GRDF's token endpoint answered without an access_token (connection {self.grdf_conn_id})",
            )
        if facts.scope not in scope.split():
            raise CredentialsRefused.about(
                account=None,
                cause=f"GRDF returned a token for another scope than {facts.scope} (connection {self.grdf_conn_id})",
                next_step="Check that the connection's host and scope belong to the same environment as its login.",
            )
        mask_secret(token)
        return DataToken.granted(
            token,
            scope=scope,
            client_id=facts.client_id,
            asked_at=asked_at,
            lifetime=_seconds(answer.get("expires_in")),
        )

    def _ask(self, form: dict[str, str], terms: Terms, *, account: str | None) -> dict[str, Any]:
        facts = self.facts
        credentials = {"client_id": facts.client_id, "client_secret": facts.client_secret}
        governor = governor_for(facts)
        try:
            with self.get_conn() as session:
                for scheme in ("https://", "http://"):
                    session.mount(scheme, TurnAdapter(most=SMALL))
                response, _ = send_at_turn(
                    session,
                    governor.turn(terms, account=account),
                    "POST",
                    facts.token_url,
                    data=form | credentials,
                    headers={"Accept": "application/json"},
                    timeout=TIMEOUT,
                    allow_redirects=False,  # a redirect would carry the secret to another address
                )
        except requests.RequestException as error:
            raise ServiceUnavailable.about(
                cause=f"GRDF's token endpoint {facts.token_url} {outcome(error)} ({why(error)})",
                account=account,
                next_step=PATIENCE,
            ) from None
        if not terms.trial:  # who answered may be an address that a person has mistyped
            governor.after_call(response.status_code, retry_after(response))
        if refusal := token_error(
            response.status_code,
            response.text,
            account=account,
            grant=form["grant_type"],
            retry_after=retry_after(response),
        ):
            raise refusal
        try:
            answer = response.json()
        except (ValueError, RecursionError):  # RecursionError: nested too deeply to be parsed
            answer = None
        if not isinstance(answer, dict):
            raise ServiceUnavailable.about(
                cause=f"GRDF's token endpoint answered HTTP {response.status_code} without a JSON object",
                account=account,
            )
        return answer

    def _public_keys(self, account: str) -> dict[str, Any] | None:
        """Return the provider's public keys, read once per hook, or ``None`` if the connection has no ``jwks_url``."""
        url = self.facts.jwks_url
        if not url or self._keys is not None:
            return self._keys
        try:
            # Anyone who controls the keys can sign an id_token for any meter, so they are read from this address only.
            with self.get_conn() as session:
                response = session.get(url, timeout=TIMEOUT, allow_redirects=False)
            if response.is_redirect:
                raise BadSettings.about(
                    cause=f"{url} answers HTTP {response.status_code}: the public keys for GRDF's id_token have moved",
                    account=account,
                    next_step=f"Correct jwks_url in the extra of the Airflow connection {self.grdf_conn_id}.",
                )
            response.raise_for_status()
            keys = response.json()
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise ServiceUnavailable.about(
                cause=f"the public keys for GRDF's id_token could not be read from {url} ({why(error)})",
                account=account,
                next_step="It is tried again. If this continues, check jwks_url in the connection "
                f"{self.grdf_conn_id}.",
            ) from None
        if not isinstance(keys, dict):
            raise BadSettings.about(cause=f"{url} (jwks_url) does not return a set of keys (RFC 7517)", account=account)
        self._keys = keys
        return keys


def retry_after(response: requests.Response) -> float | None:
    """Return ``Retry-After`` in seconds (RFC 9110, 10.2.3). Its date form is ignored; no gateway we know of uses it."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _seconds(value: object) -> float:
    """Return ``expires_in``.

    Without a usable value, a token is taken to last one minute, so that it is soon renewed.
    """
    try:
        seconds = float(str(value))
    except ValueError:
        return 60.0
    return seconds if 0 < seconds < 86_400 * 366 else 60.0
