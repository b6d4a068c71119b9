"""Links with which a household connects without an Airflow user."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.connect.site import Site


def link_for(site: Site, account: str) -> str:
    answer = site.program("op").post(f"/connect/{account}/link")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["link"])


def path_of(link: str) -> str:
    return "/household?" + urlsplit(link).query
