"""An attempt to connect a household: what GRDF is sent, and how its answer is matched to the attempt.

API servers keep no state about an attempt, so any of them can handle GRDF's answer. GRDF gets the sealed *state*. The
browser gets a sealed cookie with the values that the answer is checked against. Only the browser that began the attempt
has its cookie, and only the user who was logged in then may finish it. CouchDB records that an attempt has been used,
so it is used only once (``once``).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import Response

from grdf.page.connect.sealing import Sealed
from include.gas.account.sections.client import DEFAULT

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

COOKIE = "grdf_connect_"
MINUTES = 60
"""How long a household may take on GRDF's site, from the page's button to its return."""


@dataclass(frozen=True)
class State(Sealed):
    """The data that is sent to GRDF and comes back with its answer, sealed: OAuth's parameter ``state``.

    :param id: random id of the attempt
    :param household: whether the attempt was begun with a household's link, without a login
    """

    PURPOSE = "state"
    id: str
    account: str
    household: bool
    until: int

    @property
    def name(self) -> str:
        """A hash of the id, which may be seen."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Link:
    """The household's link with which an attempt was begun.

    :param id: random id of the link
    :param token: the sealed token in the link's address
    """

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Attempt(Sealed):
    """The data that the browser keeps for an attempt, in a sealed cookie.

    :param state: the state sent to GRDF
    :param visitor: id of the Airflow user who began the attempt; empty for a household's link
    :param redirect_uri: the address to which GRDF sends the household back
    :param nonce: a random value that the ``id_token`` must contain
    :param verifier: PKCE's code verifier, empty if PKCE is off
    :param link: the household's link, if the attempt was begun with one
    :param connection: the client that the household consents to, which alone can use the code and check the answer
    """

    PURPOSE = "attempt"
    state: State
    visitor: str
    redirect_uri: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    link: Link | None = None
    connection: str = DEFAULT

    @classmethod
    def begin(
        cls, account: str, *, visitor: str, redirect_uri: str, link: Link | None = None, connection: str = DEFAULT
    ) -> Attempt:
        """Return a new attempt. Its parameters are those of the class."""
        until = int(time.time()) + 60 * MINUTES
        state = State(secrets.token_urlsafe(16), account, link is not None, until)
        nonce = secrets.token_urlsafe(16)
        return cls(state, visitor, redirect_uri, nonce, secrets.token_urlsafe(48), link, connection)

    def authorize_url(self, facts: GrdfConnection, hint: str) -> str:
        """Return the address of GRDF's authorization page for this attempt.

        :param hint: the ``login_hint``, which may be empty
        """
        query = {
            "response_type": "code",
            "client_id": facts.client_id,
            "scope": "openid",
            "redirect_uri": self.redirect_uri,
            "state": self.state.sealed(),
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

    def give_to(self, answer: Response, path: str) -> None:
        """Store the attempt in a cookie.

        :param answer: the response that redirects the browser to GRDF
        :param path: the path of the callback, to which the cookie is limited
        """
        answer.set_cookie(
            cookie_name(self.state),
            self.sealed(),
            max_age=self.state.until - int(time.time()),
            path=path,
            secure=urlsplit(self.redirect_uri).scheme == "https",
            httponly=True,
            samesite="lax",  # GRDF sends the browser back from its own site
        )

    @classmethod
    def kept_by(cls, request: Request, state: State) -> Attempt | None:
        """Return the attempt in the browser's cookie for a state; ``None`` if another browser began the attempt.

        :param request: the request with GRDF's answer
        :param state: the state in that answer
        """
        attempt = cls.opened(request.cookies.get(cookie_name(state)))
        return attempt if attempt and attempt.state == state else None


def cookie_name(state: State) -> str:
    """Return the name of an attempt's cookie. Each attempt has its own, so that several tabs do not interfere."""
    return COOKIE + state.name


def challenge_of(verifier: str) -> str:
    """Return PKCE's code challenge for a code verifier, by the method S256 (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
