"""The cookie with which a household follows, without a login, what came of the form that it sent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from grdf.page.connect.sealing import Sealed

COOKIE = "grdf_progress_"
SECONDS = 7 * 86_400
"""How long it is valid. By then most holders have answered GRDF's e-mail."""


@dataclass(frozen=True)
class Followed(Sealed):
    """What a household follows: the state of its account as far as its own form brought it there.

    :param name: the name of the form's ticket, and of the record that it led to
    """

    PURPOSE = "progress"
    account: str
    name: str
    until: int

    @classmethod
    def new(cls, account: str, name: str) -> Followed:
        """Return what is to be followed from now on."""
        return cls(account, name, int(time.time()) + SECONDS)

    def give_to(self, answer: Response, request: Request, path: str) -> None:
        """Store it in a cookie.

        :param request: the request with the form; browsers say in ``Origin`` whether they use HTTPS
        :param path: the address that the cookie is limited to
        """
        schemes = {request.url.scheme, urlsplit(request.headers.get("Origin", "")).scheme}
        answer.set_cookie(
            COOKIE + self.name,
            self.sealed(),
            max_age=SECONDS,
            path=path,
            secure="https" in schemes,
            httponly=True,
            samesite="lax",  # the household may come back from its e-mail
        )

    @classmethod
    def kept_by(cls, request: Request, name: str) -> Followed | None:
        """Return what this browser may follow under a name; ``None`` if it may not, or not any more."""
        found = cls.opened(request.cookies.get(COOKIE + name))
        return None if found is None or found.name != name or found.is_over else found
