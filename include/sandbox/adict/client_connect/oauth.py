"""Client Connect's authorization server, on Authlib: clients, two grants, ``id_token``.

Clients use ``client_secret_post``. ``client_credentials`` must ask for the API's path as scope. A code gives a token
for ``openid``, which no data endpoint accepts, and an ``id_token`` with ForgeRock's claims and ``consentements`` (JSON
in a string).
"""

# Authlib has no type hints, so mypy sees its classes as Any:
# mypy: disallow-subclassing-any=False
# ruff: noqa: ARG001, ARG002 - Authlib passes our functions more arguments than they need

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Response

from include.sandbox.adict import identity
from include.sandbox.adict.access import rights
from include.sandbox.adict.client_connect import tokens
from include.sandbox.adict.store import Store
from include.sandbox.adict.world import world

_KEY = "rsa_key"
_KID = "sandbox"


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):
    """One of the registered clients."""

    client_id: str
    secret: str
    may_connect: bool

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """Return none: a request must name its redirect URI."""
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
    **{each.client_id: Client(each.client_id, each.client_secret, may_connect=True) for each in identity.PARTIES},
    **{
        each.delete_client_id: Client(each.delete_client_id, each.delete_client_secret, may_connect=False)
        for each in identity.PARTIES
    },
}


@dataclass(frozen=True, slots=True)
class Grantor:
    """The holder who has just consented."""

    email: str
    right_ids: tuple[str, ...]


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant, with codes kept in the state file."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def create_authorization_response(
        self, redirect_uri: str, grant_user: Grantor | None
    ) -> tuple[int, str, list[Any]]:
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        # GRDF adds these to the callback.
        beside = [("iss", identity.issuer(world().port)), ("client_id", self.request.payload.client_id)]
        return status, body, [(name, add_params_to_uri(value, beside)) for name, value in headers]

    def save_authorization_code(self, code: str, request: Any) -> None:
        at, asked = world(), request.payload.data
        kept = tokens.Code(
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope="openid",
            nonce=asked.get("nonce"),
            subject=request.user.email,
            right_ids=request.user.right_ids,
            auth_time=int(at.now().timestamp()),
            code_challenge=asked.get("code_challenge") if at.setting("pkce") != "unknown" else None,
            code_challenge_method=asked.get("code_challenge_method"),
        )
        tokens.save_code(at.store, code, kept, at.now() + timedelta(seconds=at.setting("code_lifetime_s")))

    def query_authorization_code(self, code: str, client: Client) -> tokens.Code | None:
        return tokens.use_code(world().store, code, client.client_id, world().now())

    def delete_authorization_code(self, authorization_code: tokens.Code) -> None:
        """Do nothing: the code was marked as used when read."""

    def authenticate_user(self, authorization_code: tokens.Code) -> tokens.Code:
        return authorization_code  # it names the holder


class Pkce(CodeChallenge):
    """PKCE (RFC 7636), as the setting ``pkce`` has it: GRDF's support is unknown."""

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
    """The client credentials grant, with the API's path as scope."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def validate_requested_scope(self) -> None:
        if self.request.payload.scope != identity.API_PATH:
            raise InvalidScopeError(f"Ask for the scope {identity.API_PATH}, and for nothing else.")


class Server(AuthorizationServer):
    """Authlib's server for Flask."""

    def __init__(self) -> None:
        super().__init__(query_client=CLIENTS.get, save_token=_save_token)
        self.scopes_supported = None
        self.register_token_generator("default", _new_token)
        self.register_grant(CodeGrant, [Pkce(required=False)])
        self.register_grant(DataGrant)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        # Authlib answers 400; both known GRDF servers 401 (RFC 6749, 5.2).
        if isinstance(payload, dict) and payload.get("error") == "invalid_client":
            status_code = 401
        answer: Response = super().handle_response(status_code, payload, headers)
        return answer


def _new_token(
    grant_type: str,
    client: Client,
    user: tokens.Code | None,
    scope: str,
    expires_in: int | None,
    include_refresh_token: bool,
) -> dict[str, Any]:
    text = uuid.uuid4().hex + uuid.uuid4().hex
    made = {
        "access_token": text,
        "scope": f"{identity.API_PATH} {identity.SERVICE_USER} {identity.company_of(client.client_id)}",
        "token_type": "Bearer",
        "expires_in": int(world().setting("token_lifetime_s")),
    }
    return made | {"scope": "openid", "id_token": _id_token(client, user, text)} if user else made


def _save_token(token: dict[str, Any], request: Any) -> None:
    at = world()
    known = tokens.Token(request.client.client_id, token["scope"], request.payload.grant_type)
    code = request.form.get("code") if known.grant_type == "authorization_code" else None
    tokens.save_token(at.store, token["access_token"], known, at.now() + timedelta(seconds=token["expires_in"]), code)


def _id_token(client: Client, code: tokens.Code, access_token: str) -> str:
    at = world()
    now = int(at.now().timestamp() if at.setting("id_token_clock") == "sandbox" else time.time())
    found = [rights.find_right(at.store, right_id) for right_id in code.right_ids]
    consents = [{"pce": r["id_pce"], "id_accreditation": r["id_droit_acces"]} for r in found if r]
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims = {
        "iss": identity.issuer(at.port),
        "sub": hashlib.sha256(code.subject.encode()).hexdigest(),
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": now,
        "exp": now + int(at.setting("id_token_lifetime_s")),
        "auth_time": code.auth_time,
        "acr": "0",
        "nonce": code.nonce,
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        "realm": "/externeGrdf",
        "tokenName": "id_token",
        "tokenType": "JWTToken",
        "auditTrackingId": str(uuid.uuid4()),
        "consentements": json.dumps(consents, separators=(",", ":")),
        **at.setting("id_token_claims"),
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    if at.setting("id_token_alg") == "RS256":
        return jwt.encode(kept, _rsa_key(at.store), "RS256", {"kid": _KID})
    return jwt.encode(kept, client.secret, "HS256")


def _rsa_key(store: Store) -> Any:
    """Return the private key for ``id_token``, generated on first use."""
    with store.lock:
        if store.get(_KEY) is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            store.put(_KEY, key.private_bytes(*form).decode())
    return serialization.load_pem_private_key(store.get(_KEY).encode(), None)


def public_keys(store: Store) -> dict[str, Any]:
    """Return the JWKS document."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(_rsa_key(store).public_key(), as_dict=True)
    return {"keys": [public | {"kid": _KID, "use": "sig", "alg": "RS256"}]}


def check_connect_request(data: Any) -> None:
    """Check what Authlib does not: only the scope ``openid``, and a ``state``."""
    redirect_uri, state = data.get("redirect_uri"), data.get("state")
    if data.get("scope") != "openid":
        raise InvalidScopeError("Client Connect asks for the scope openid.", redirect_uri=redirect_uri, state=state)
    if not state:
        raise InvalidRequestError("The state parameter is missing.", redirect_uri=redirect_uri)
    if ordered := world().setting("authorize_error"):
        failure = OAuth2Error(redirect_uri=redirect_uri, state=state)
        failure.error = ordered
        raise failure
