"""Client Connect's authorization server, built on Authlib: its clients, two grants and one kind of ``id_token``.

Clients authenticate with ``client_secret_post`` only, as every known ADICT client does. A ``client_credentials``
request must ask for exactly the API's path as its scope. An authorization code is exchanged for a token with the scope
``openid``, which no data endpoint accepts, and an ``id_token`` with ForgeRock's claims and ``consentements`` (JSON in a
string).
"""

# Authlib has no type hints, so mypy sees its classes as Any:
# mypy: disallow-subclassing-any=False
# ruff: noqa: ARG001, ARG002 - Authlib passes our functions more arguments than they need

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.grants.util import create_half_hash
from flask import Response
from joserfc import jwt
from joserfc.jwk import OctKey

from include.sandbox.adict import identity
from include.sandbox.adict.access import rights
from include.sandbox.adict.client_connect import keys, tokens
from include.sandbox.adict.world import World, world


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):
    """One of the registered clients.

    :param may_connect: whether it may use the authorization code grant
    """

    client_id: str
    secret: str
    may_connect: bool

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """There is no default: a request must name its redirect URI."""
        return

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        at = world()
        return self.may_connect and redirect_uri in (*at.redirect_uris, *at.setting("redirect_uris"))

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        return self.may_connect and response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials" or (grant_type == "authorization_code" and self.may_connect)


CLIENTS = {
    client.client_id: client
    for client in (
        each
        for party in identity.PARTIES
        for each in (
            Client(party.client_id, party.client_secret, may_connect=True),
            Client(party.delete_client_id, party.delete_client_secret, may_connect=False),
        )
    )
}


@dataclass(frozen=True, slots=True)
class Grantor:
    """The holder who has just consented.

    :param email: the holder's e-mail address
    :param right_ids: ``id_droit_acces`` of the new access rights
    """

    email: str
    right_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakenCode(AuthorizationCodeMixin):
    """An authorization code that is being exchanged, with Authlib's interface."""

    text: str
    code: tokens.Code

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.code.scope

    def get_nonce(self) -> str | None:
        return self.code.nonce

    def get_auth_time(self) -> int:
        return self.code.auth_time

    def get_acr(self) -> str:
        return "0"

    def get_amr(self) -> None:
        return

    @property
    def code_challenge(self) -> str | None:
        return self.code.code_challenge

    @property
    def code_challenge_method(self) -> str | None:
        return self.code.code_challenge_method


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, with codes kept in the state file."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def create_authorization_response(
        self, redirect_uri: str, grant_user: Grantor | None
    ) -> tuple[int, str, list[Any]]:
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        # GRDF adds these two to the callback.
        beside = [("iss", identity.issuer(world().port)), ("client_id", self.request.payload.client_id)]
        return status, body, [(name, add_params_to_uri(value, beside)) for name, value in headers]

    def save_authorization_code(self, code: str, request: Any) -> None:
        at = world()
        tokens.save_code(
            at.store,
            code,
            tokens.Code(
                client_id=request.client.client_id,
                redirect_uri=request.payload.redirect_uri,
                scope="openid",
                nonce=request.payload.data.get("nonce"),
                subject=request.user.email,
                right_ids=request.user.right_ids,
                auth_time=int(at.now().timestamp()),
                code_challenge=request.payload.data.get("code_challenge") if at.setting("pkce") != "unknown" else None,
                code_challenge_method=request.payload.data.get("code_challenge_method"),
            ),
            at.now() + timedelta(seconds=at.setting("code_lifetime_s")),
        )

    def query_authorization_code(self, code: str, client: Client) -> TakenCode | None:
        at = world()
        taken = tokens.use_code(at.store, code, client.client_id, at.now())
        return TakenCode(code, taken) if taken else None

    def delete_authorization_code(self, authorization_code: TakenCode) -> None:
        """Do nothing, because the code was already marked as used when it was read."""

    def authenticate_user(self, authorization_code: TakenCode) -> Grantor:
        return Grantor(authorization_code.code.subject, authorization_code.code.right_ids)


class ConnectIdToken(OpenIDCode):
    """The content of Client Connect's ``id_token``."""

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False  # GRDF is not known to refuse a nonce that was used before

    def get_client_algorithm(self, client: Client) -> str:
        return str(world().setting("id_token_alg"))

    def resolve_client_private_key(self, client: Client) -> Any:
        if self.get_client_algorithm(client).startswith("HS"):
            return OctKey.import_key(client.secret)
        return keys.rsa_key(world().store)

    def get_encode_header(self, client: Client) -> dict[str, str]:
        alg = self.get_client_algorithm(client)
        kid = {} if alg.startswith("HS") else {"kid": str(keys.rsa_key(world().store).kid)}
        return {"typ": "JWT", "alg": alg, **kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        at = world()
        now = int(at.now().timestamp() if at.setting("id_token_clock") == "sandbox" else time.time())
        return {
            "iss": identity.issuer(at.port),
            "aud": client.client_id,
            "azp": client.client_id,
            "iat": now,
            "exp": now + int(at.setting("id_token_lifetime_s")),
            "realm": "/externeGrdf",
            "tokenName": "id_token",
            "tokenType": "JWTToken",
            "auditTrackingId": str(uuid.uuid4()),
        }

    def get_authorization_code_claims(self, authorization_code: TakenCode) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_authorization_code_claims(authorization_code)
        half = create_half_hash(authorization_code.text, world().setting("id_token_alg"))
        return claims | {
            "c_hash": half.decode(),
            "org.forgerock.openidconnect.ops": authorization_code.text[:8].lower(),
        }

    def generate_user_info(self, user: Grantor, scope: str) -> dict[str, Any]:
        at = world()
        found = [rights.find(at.store, right_id) for right_id in user.right_ids]
        consents = [{"pce": r["id_pce"], "id_accreditation": r["id_droit_acces"]} for r in found if r]
        return {
            "sub": hashlib.sha256(user.email.encode()).hexdigest(),
            "consentements": json.dumps(consents, separators=(",", ":")),
        }

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        return self.get_client_claims(request.client)

    def encode_id_token(self, token: dict[str, Any], request: Any) -> Any:
        ordered = world().setting("id_token_claims")
        if not ordered:
            return super().encode_id_token(token, request)
        key = self.resolve_client_private_key(request.client)
        alg = self.get_client_algorithm(request.client)
        plain = jwt.decode(super().encode_id_token(token, request), key, algorithms=[alg]).claims
        claims = {name: value for name, value in (plain | ordered).items() if value is not None}
        return jwt.encode(self.get_encode_header(request.client), claims, key, [alg])


class Pkce(CodeChallenge):
    """PKCE (RFC 7636), as the setting ``pkce`` says. It is not known whether GRDF's server supports it."""

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        pkce = world().setting("pkce")
        if pkce == "required" and grant.request.payload.data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("This server asks for PKCE, with S256.", redirect_uri=redirect_uri)
        if pkce != "unknown":
            super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        if world().setting("pkce") != "unknown":
            super().validate_code_verifier(grant, result)


class DataGrant(ClientCredentialsGrant):
    """The client credentials grant, limited to the API's path as scope."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def validate_requested_scope(self) -> None:
        if self.request.payload.scope != identity.API_PATH:
            raise InvalidScopeError(f"Ask for the scope {identity.API_PATH}, and for nothing else.")


class Server(AuthorizationServer):
    """Authlib's server for Flask, with the sandbox's clients and state."""

    def __init__(self) -> None:
        super().__init__(query_client=CLIENTS.get, save_token=_save_token)
        self.scopes_supported = None
        self.register_token_generator("default", _new_token)
        self.register_grant(CodeGrant, [ConnectIdToken(require_nonce=False), Pkce(required=False)])
        self.register_grant(DataGrant)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        # Authlib responds with 400. RFC 6749, 5.2 allows 401 for invalid_client, which both known GRDF servers use.
        if isinstance(payload, dict) and payload.get("error") == "invalid_client":
            status_code = 401
        answer: Response = super().handle_response(status_code, payload, headers)
        return answer


def _new_token(
    grant_type: str, client: Client, user: Any, scope: str, expires_in: int | None, include_refresh_token: bool
) -> dict[str, Any]:
    data = grant_type == "client_credentials"
    company = identity.company_of(client.client_id)
    return {
        "access_token": uuid.uuid4().hex + uuid.uuid4().hex,
        "scope": f"{identity.API_PATH} {identity.SERVICE_USER} {company}" if data else "openid",
        "token_type": "Bearer",
        "expires_in": int(world().setting("token_lifetime_s")),
    }


def _save_token(token: dict[str, Any], request: Any) -> None:
    at: World = world()
    known = tokens.Token(request.client.client_id, token["scope"], request.payload.grant_type)
    code = request.form.get("code") if known.grant_type == "authorization_code" else None
    tokens.save_token(at.store, token["access_token"], known, at.now() + timedelta(seconds=token["expires_in"]), code)


def check_connect_request(data: Any) -> None:
    """Check what Client Connect requires and Authlib does not check: only the scope ``openid``, and a ``state``.

    :param data: the query of the authorization request
    :raises OAuth2Error: to be sent to the redirect URI, which must have been checked before
    """
    redirect_uri, state = data.get("redirect_uri"), data.get("state")
    if data.get("scope") != "openid":
        raise InvalidScopeError("Client Connect asks for the scope openid.", redirect_uri=redirect_uri, state=state)
    if not state:
        raise InvalidRequestError("The state parameter is missing.", redirect_uri=redirect_uri)
    if ordered := world().setting("authorize_error"):
        failure = OAuth2Error(redirect_uri=redirect_uri, state=state)
        failure.error = ordered
        raise failure
