"""A plain client of CouchDB."""

from __future__ import annotations

import json
from typing import Any

import requests

TIMEOUT = 60


class Couch(requests.Session):
    """A session whose requests take paths instead of URLs."""

    def __init__(self, root: str, auth: tuple[str, str] | None) -> None:
        super().__init__()
        self.root, self.auth, self.trust_env = root.rstrip("/"), auth, False
        self.direct = self.root
        """The server's address without the proxy that adds a prefix to the names of databases."""

    def request(self, method, url, *args, **options):
        return super().request(method, self.root + url, *args, **{"timeout": TIMEOUT, **options})

    def told(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Return the JSON of an answer of that status."""
        answer = self.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def keys(self, db: str, **params: Any) -> list[str]:
        """Return the ids that ``_all_docs`` lists."""
        encoded = {name: json.dumps(value) for name, value in params.items()}
        return [row["id"] for row in self.told("GET", f"{db}/_all_docs", params=encoded)["rows"]]
