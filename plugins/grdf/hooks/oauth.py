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
from airflow.sdk import BaseHook, conf
from airflow.sdk.log import mask_secret

from grdf.hooks.connection import GrdfConnection, airflow_connection, stop_if_doubled
from grdf.hooks.data_token import DataToken
from grdf.hooks.http_calls import SECONDS, TIMEOUT, LimitedAdapter, no_answer, retry_after, send_at_turn
from grdf.quota.governor import Turn, governor_for
from grdf.quota.terms import CONNECT, DAILY, Terms
from include.gas.account.sections.client import DEFAULT
from include.gas.answers.claims import Claim, parse_claims
from include.gas.answers.id_token import LEEWAY, verify_id_token
from include.gas.answers.refusals import token_error
from include.gas.errors import BadSettings, CredentialsRefused, IdTokenRefused, ServiceUnavailable

CODE_RETRY = 30.0
"""Seconds until a code is tried again after a failure. A code is valid for minutes; tasks usually wait ten."""
CALLBACK = "/callback"
"""Path to which GRDF sends a household back, below the page's own address."""
SMALL = 1_000_000
"""Largest answer with tokens or keys, in bytes. Valid ones have a few thousand."""


class GrdfOAuthHook(BaseHook):
    """Calls GRDF's token endpoint with the credentials of one connection.

    :param grdf_conn_id: Airflow connection with the client id and secret
    """

    def __init__(self, grdf_conn_id: str = DEFAULT) -> None:
        super().__init__()
        self.grdf_conn_id = grdf_conn_id

    @cached_property
    def facts(self) -> GrdfConnection:
        """The connection's fields, checked.

        :raises BadSettings: if a field is missing or wrong, or another of our clients has the same id
        """
        facts = GrdfConnection.read(airflow_connection(self.grdf_conn_id))
        stop_if_doubled(facts)
        return facts

    @property
    def redirect_uri(self) -> str:
        """The address to which GRDF sends households back: exactly the one that is registered with GRDF.

        :raises BadSettings: if it is not known: neither the connection nor ``[api] base_url`` says it
        """
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        if address := self.facts.redirect_uri or (f"{base}/grdf{CALLBACK}" if base else ""):
            return address
        raise BadSettings.about(
            None,
            "the page does not know its own address, to which GRDF and links lead households",
            f"Set redirect_uri in the extra of the connection {self.grdf_conn_id}, or [api] base_url.",
        )

    def get_conn(self) -> requests.Session:
        """Return a plain HTTP session without credentials, for what is no call to GRDF's API."""
        return LimitedAdapter(seconds=SECONDS, most=SMALL).session()

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

        :param redirect_uri: the address at which the code was received, which the token endpoint compares; ``None``
            means the connection's
        :param code_verifier: the secret behind the code's challenge, if a challenge was sent (RFC 7636)
        :raises GrantRefused: if the code is used, expired or not ours; the household has to consent again
        :raises CredentialsRefused: if GRDF does not accept the client id or secret
        :raises ServiceUnavailable: if there is no usable answer; try again while the code may still be valid
        """
        form = {"grant_type": "authorization_code", "code": code}
        form["redirect_uri"] = redirect_uri or self.facts.redirect_uri
        if code_verifier:
            form["code_verifier"] = code_verifier
        try:
            self._public_keys(account)  # before the code is used: a later failure to get the keys would waste the code
            answer = self._ask(form, terms, account=account)
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

    def claims_of(
        self, id_token: str, *, account: str, nonce: str | None = None, ever: bool = False
    ) -> tuple[Claim, ...]:
        """Check an ``id_token`` and return the household's consents in it.

        :param nonce: the nonce sent to the authorize page, if one was sent
        :param ever: whether to accept an expired token, which still shows what was once consented to
        :raises IdTokenRefused: if its algorithm, signature, issuer, audience, time or nonce is wrong, or if it names no
            meter
        """
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

    def ask_data_token(self, terms: Terms = DAILY, turn: Turn | None = None) -> DataToken:
        """Request a new data token from GRDF.

        :param turn: the call's turn in GRDF's quota, if it has one already
        :raises CredentialsRefused: if GRDF does not accept the client id or secret, or grants another scope
        :raises ServiceUnavailable: if there is no usable answer
        """
        facts, whose = self.facts, f"connection {self.grdf_conn_id}"
        asked_at = datetime.now(UTC)  # before the request, so that we never expect a token to live longer than it does
        try:
            form = {"grant_type": "client_credentials", "scope": facts.scope}
            answer = self._ask(form, terms, account=None, turn=turn)
        except CredentialsRefused:
            # This is the same for all accounts: the next caller does not ask at once unless the credentials have
            # changed.
            if not terms.trial:
                governor_for(facts).refused()
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
        return DataToken.granted(token, facts, asked_at, answer.get("expires_in"))

    def _ask(
        self, form: dict[str, str], terms: Terms, *, account: str | None, turn: Turn | None = None
    ) -> dict[str, Any]:
        facts = self.facts
        response, _ = send_at_turn(
            turn or governor_for(facts).turn(terms, account=account),
            "POST",
            facts.token_url,
            who=f"GRDF's token endpoint {facts.token_url}",
            most=SMALL,
            data=form | {"client_id": facts.client_id, "client_secret": facts.client_secret},
            headers={"Accept": "application/json"},
        )
        status, grant, seconds = response.status_code, form["grant_type"], retry_after(response)
        if refusal := token_error(status, response.text, account=account, grant=grant, retry_after=seconds):
            raise refusal
        try:
            answer = response.json()
        except (ValueError, RecursionError):  # RecursionError: nested too deeply to be parsed
            answer = None
        if not isinstance(answer, dict):
            cause = f"GRDF's token endpoint answered HTTP {status} without a JSON object"
            raise ServiceUnavailable.about(account, cause)
        return answer

    def _public_keys(self, account: str) -> dict[str, Any] | None:
        """Return the provider's public keys; ``None`` if the connection has no ``jwks_url``.

        Anyone who controls the keys can sign an ``id_token`` for any meter, so they are read from this address only.
        """
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
            raise no_answer(f"{url}, which has the public keys for GRDF's id_token,", error, account, do) from None
        if not isinstance(keys, dict):
            raise BadSettings.about(
                account,
                f"{url} answers HTTP {response.status_code} without the public keys for GRDF's id_token (RFC 7517)",
                f"Correct jwks_url in the extra of {connection}.",
            )
        return keys


def _text(answer: dict[str, Any], name: str) -> str:
    """Return a token of an answer, which no log then shows; ``""`` if there is none."""
    token = answer.get(name)
    if not isinstance(token, str) or not token:
        return ""
    mask_secret(token)
    return token
