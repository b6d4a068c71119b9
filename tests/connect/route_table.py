"""Every route of the page, with the response for each role."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """The statuses of a route: without a login, and for a viewer, user, op and admin."""

    method: str
    path: str
    anonymous: int
    viewer: int
    user: int
    op: int
    admin: int

    def __getitem__(self, who: str) -> int:
        return int(getattr(self, who))


TABLE = {
    "GET /": Row("GET", "/", 401, 200, 200, 200, 200),
    "GET /fleet": Row("GET", "/fleet", 401, 200, 200, 200, 200),
    "GET /accounts/{account}": Row("GET", "/accounts/nobody-yet", 401, 404, 404, 404, 404),
    "GET /accounts/{account}/published": Row("GET", "/accounts/nobody-yet/published", 401, 404, 404, 404, 404),
    "GET /accounts/{account}/{table}.csv": Row("GET", "/accounts/nobody-yet/days.csv", 401, 404, 404, 404, 404),
    "POST /accounts/{account}/known": Row("POST", "/accounts/nobody-yet/known", 401, 403, 404, 404, 404),
    "GET /connect/": Row("GET", "/connect/", 401, 403, 403, 200, 200),
    "GET /connect/{account}": Row("GET", "/connect/nobody-yet", 401, 403, 403, 200, 200),
    "POST /connect/{account}": Row("POST", "/connect/nobody-yet", 401, 403, 403, 303, 303),
    # The right to connect the account is checked once it is known which: see test_connect.py.
    "GET /callback": Row("GET", "/callback?code=x&state=y", 400, 400, 400, 400, 400),
    "GET /callback/": Row("GET", "/callback/?code=x&state=y", 400, 400, 400, 400, 400),
    # Household links are switched off here: see test_links.py.
    "POST /connect/{account}/link": Row("POST", "/connect/nobody-yet/link", 401, 403, 403, 404, 404),
    "POST /connect/{account}/link/take-back": Row(
        "POST", "/connect/nobody-yet/link/take-back", 401, 403, 403, 303, 303
    ),
    "GET /connect/{account}/progress": Row("GET", "/connect/nobody-yet/progress", 401, 403, 403, 404, 404),
    "GET /connect/{account}/records": Row("GET", "/connect/nobody-yet/records", 401, 403, 403, 200, 200),
    "GET /connect/{account}/proofs": Row("GET", "/connect/nobody-yet/proofs", 401, 403, 403, 409, 409),
    "POST /connect/{account}/proofs/upload": Row("POST", "/connect/nobody-yet/proofs/upload", 401, 403, 403, 409, 409),
    "POST /connect/{account}/proofs/remove": Row("POST", "/connect/nobody-yet/proofs/remove", 401, 403, 403, 303, 303),
    "GET /import/": Row("GET", "/import/", 401, 403, 403, 200, 200),
    "POST /import/upload": Row("POST", "/import/upload", 401, 403, 403, 422, 422),
    "POST /import/remove": Row("POST", "/import/remove", 401, 403, 403, 422, 422),
    "GET /import/result": Row("GET", "/import/result?name=no.result.csv", 401, 403, 403, 404, 404),
    "GET /household/progress": Row("GET", "/household/progress?token=x", 404, 404, 404, 404, 404),
    "GET /household": Row("GET", "/household?token=x", 404, 404, 404, 404, 404),
    "POST /household": Row("POST", "/household?token=x", 404, 404, 404, 404, 404),
    # The project's style sheets and scripts contain no data.
    "GET /static/{name}": Row("GET", "/static/page.css", 200, 200, 200, 200, 200),
}
