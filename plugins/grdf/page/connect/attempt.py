"""An attempt to connect a household on GRDF's site: what GRDF is sent, and what its answer is checked against.

API servers keep nothing about it, so any of them may handle GRDF's answer. GRDF gets a random *state*, and the browser
a sealed cookie named by it. So only the browser that began an attempt can finish it.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import Response

from grdf.page.connect.sealing import seal, unseal

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

COOKIE = "grdf_connect_"
MINUTES = 60
"""How long a household may take on GRDF's site, from the page's button to its return."""


@dataclass(frozen=True)
class Attempt:
    """What the browser keeps of an attempt.

    :param connection: the client that the household consents to, which alone can use the code
    :param token: the token of the household's link; empty if an operator began it
    :param state: names the attempt in GRDF's answer
    :param nonce: a random value that the ``id_token`` must contain
    :param verifier: PKCE's code verifier
    """

    account: str
    connection: str
    token: str = field(default="", repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def authorize_url(self, facts: GrdfConnection, redirect_uri: str, hint: str) -> str:
        """Return the address of GRDF's authorization page for this attempt.

        :param hint: the ``login_hint``, which may be empty
        """
        query = {
            "response_type": "code",
            "client_id": facts.client_id,
            "scope": "openid",
            "redirect_uri": redirect_uri,
            "state": self.state,
            "nonce": self.nonce,
            # Else whoever is logged in to GRDF in this browser consents: the operator, or the household before.
            "prompt": "login",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        if hint:
            query["login_hint"] = hint
        joint = "&" if urlsplit(facts.authorize_url).query else "?"
        return f"{facts.authorize_url}{joint}{urlencode(query)}"

    def give_to(self, answer: Response, path: str, *, https: bool) -> None:
        """Store the attempt in a cookie.

        :param answer: the response that leads the browser to GRDF
        :param path: the path of the callback, to which the cookie is limited
        """
        answer.set_cookie(
            COOKIE + self.state,
            seal(self),
            max_age=60 * MINUTES,
            path=path,
            secure=https,
            httponly=True,
            samesite="lax",  # GRDF sends the browser back from its own site
        )

    @classmethod
    def kept_by(cls, request: Request, state: str) -> Attempt | None:
        """Return the attempt that the browser keeps under a state; ``None`` if there is none, or not any more."""
        return unseal(request.cookies.get(COOKIE + state, ""), cls, 60 * MINUTES)


def challenge_of(verifier: str) -> str:
    """Return PKCE's code challenge for a code verifier, by the method S256 (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
