"""One attempt to connect a household: what is sent with it to GRDF, and how what comes back is known to belong to it.

Nothing is kept on a server, so that any of several API servers can take the answer. GRDF gets the *state*, sealed; the
browser gets a cookie, sealed too, which holds what the answer is checked against. Only the browser that began an
attempt has its cookie, and only who was logged in then may finish it. That an attempt is used once is kept in CouchDB
(``once``).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import Response

from grdf import settings
from grdf.page.connect.sealing import BrokenSeal, Seal, is_over

if TYPE_CHECKING:
    from grdf.hooks.connection import GrdfConnection

COOKIE = "grdf_connect_"
MARGIN = 600
"""Seconds by which the cookie outlives the state, so that a late answer is told "too late" rather than "not yours"."""


@dataclass(frozen=True)
class State:
    """What GRDF carries to and fro, sealed.

    :param id: names the attempt
    :param account: the account's id
    :param household: whether it was begun with a link for households, without a login
    :param until: when it is over, epoch seconds
    """

    id: str
    account: str
    household: bool
    until: int

    def sealed(self) -> str:
        """Return the value of OAuth's ``state``."""
        return Seal("state").close(asdict(self))

    @classmethod
    def read(cls, text: str | None) -> State | None:
        """Read the value of OAuth's ``state``; ``None`` when it is none of ours.

        :param text: as it came
        """
        try:
            return cls(**Seal("state").open(text)) if text else None
        except (BrokenSeal, TypeError):
            return None

    @property
    def is_over(self) -> bool:
        """Whether the household took too long."""
        return is_over({"until": self.until})


@dataclass(frozen=True)
class Link:
    """A link for a household, from which an attempt was begun.

    :param id: names the link
    :param until: when it is over, epoch seconds
    :param token: the sealed link itself
    """

    id: str
    until: int
    token: str = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """What the browser that began an attempt keeps, sealed, in a cookie.

    :param state: what GRDF carries
    :param visitor: the id of Airflow's user who began it; empty for a household's link
    :param redirect_uri: where GRDF was told to send the household back to
    :param nonce: must come back inside the ``id_token``
    :param verifier: the secret of PKCE, empty without it
    :param link: the household's link, if it was begun with one
    :param deletions: which deletions of the account there had been (``include.gas.account.connected.deletions``)
    """

    state: State
    visitor: str
    redirect_uri: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    link: Link | None = None
    deletions: str = ""

    @classmethod
    def begin(
        cls, account: str, *, visitor: str, redirect_uri: str, link: Link | None = None, deletions: str = ""
    ) -> Attempt:
        """Begin an attempt.

        :param account: the account's id
        :param visitor: the id of Airflow's user, empty for a household's link
        :param redirect_uri: where GRDF shall send the household back to
        :param link: the household's link, if there is one
        :param deletions: which deletions of the account there have been
        """
        until = int(time.time()) + 60 * settings.connect_minutes()
        state = State(secrets.token_urlsafe(16), account, link is not None, until)
        verifier = secrets.token_urlsafe(48) if settings.connect_pkce() else ""
        return cls(state, visitor, redirect_uri, secrets.token_urlsafe(16), verifier, link, deletions)

    def authorize_url(self, facts: GrdfConnection, hint: str) -> str:
        """Return the address at GRDF to which the browser goes now.

        :param facts: the connection
        :param hint: the ``login_hint``, may be empty
        """
        query = {
            "response_type": "code",
            "client_id": facts.client_id,
            "scope": "openid",
            "redirect_uri": self.redirect_uri,
            "state": self.state.sealed(),
            "nonce": self.nonce,
            # On a shared computer GRDF may still know who was here before, and would offer that household's meters.
            "prompt": "login",
        }
        if hint:
            query["login_hint"] = hint
        if self.verifier:
            query |= {"code_challenge": challenge_of(self.verifier), "code_challenge_method": "S256"}
        joint = "&" if urlsplit(facts.authorize_url).query else "?"
        return f"{facts.authorize_url}{joint}{urlencode(query)}"

    def give_to(self, answer: Response, path: str) -> None:
        """Let the browser keep it.

        :param answer: the answer that sends the browser to GRDF
        :param path: the page's own path
        """
        answer.set_cookie(
            cookie_name(self.state),
            Seal("attempt").close(asdict(self)),
            max_age=self.state.until - int(time.time()) + MARGIN,
            path=path,
            secure=urlsplit(self.redirect_uri).scheme == "https",
            httponly=True,
            samesite="lax",  # GRDF sends the browser back from its own site
        )

    @classmethod
    def kept_by(cls, request: Request, state: State) -> Attempt | None:
        """Return the attempt that the browser has kept for a state; ``None`` when it is not the one that began it.

        :param request: the request with which GRDF sent it back
        :param state: what came back
        """
        try:
            content: dict[str, Any] = Seal("attempt").open(request.cookies.get(cookie_name(state), ""))
            link = content.pop("link")
            attempt = cls(State(**content.pop("state")), link=Link(**link) if link else None, **content)
        except (BrokenSeal, TypeError, KeyError):
            return None
        return attempt if attempt.state == state else None


def cookie_name(state: State) -> str:
    """Name the cookie of an attempt: each has its own, so that two tabs do not get into each other's way."""
    return COOKIE + hashlib.sha256(state.id.encode()).hexdigest()[:12]


def challenge_of(verifier: str) -> str:
    """Return PKCE's challenge by the method S256 (RFC 7636, 4.2).

    :param verifier: the secret
    """
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
