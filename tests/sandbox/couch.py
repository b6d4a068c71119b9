"""A plain client of CouchDB."""

from __future__ import annotations

import requests

TIMEOUT = 30


class Couch(requests.Session):
    """A session whose requests take paths instead of URLs."""

    def __init__(self, root: str, auth: tuple[str, str] | None) -> None:
        super().__init__()
        self.root, self.auth, self.trust_env = root.rstrip("/"), auth, False
        self.direct = self.root
        """The server's address without the proxy that adds a prefix to the names of databases."""

    def request(self, method, url, *args, **options):
        return super().request(method, self.root + url, *args, **{"timeout": TIMEOUT, **options})
