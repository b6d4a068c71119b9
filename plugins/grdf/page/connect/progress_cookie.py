"""The cookie with which a household follows, without a login, what came of what it sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from grdf.page.connect.sealing import Sealed

COOKIE = "grdf_progress_"
SECONDS = 7 * 86_400
"""How long it is valid. By then most holders have answered GRDF's e-mail."""


@dataclass(frozen=True)
class Followed(Sealed):
    """What a household follows: the state of its account as far as it brought it there itself.

    :param name: names the form, or the attempt on GRDF's site
    :param at: when the account was connected by it, as its document says
    :param token: the token of the household's link, with which it may correct what GRDF refuses
    """

    PURPOSE = "progress"
    account: str
    name: str
    at: str
    token: str = field(repr=False)
    until: int = 0

    def lead_there(self, request: Request, address: str = "") -> Response:
        """Lead the household to the page that follows, whose address the cookie is limited to.

        :param request: the request that it sent; browsers say in ``Origin`` whether they use HTTPS
        :param address: another address of this page that tells the same
        """
        path = f"{request.scope['root_path']}/household/progress/{self.name}"
        schemes = {urlsplit(each).scheme for each in (str(request.url), request.headers.get("Origin", ""), address)}
        kept = Followed(self.account, self.name, self.at, self.token, int(time.time()) + SECONDS)
        answer = RedirectResponse(path, 303)
        answer.set_cookie(
            COOKIE + self.name,
            kept.sealed(),
            max_age=SECONDS,
            path=path,
            secure="https" in schemes,
            httponly=True,
            samesite="lax",  # the household may come back from its e-mail
        )
        return answer

    @classmethod
    def kept_by(cls, request: Request, name: str) -> Followed | None:
        """Return what this browser may follow under a name; ``None`` if it may not, or not any more."""
        found = cls.opened(request.cookies.get(COOKIE + name))
        return None if found is None or found.name != name or found.is_over else found
