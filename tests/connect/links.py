"""Links with which a household connects without an Airflow user."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from grdf.quota.governor import Governor
from grdf.quota.quota_store import QuotaStore
from grdf.quota.terms import Quota
from tests.connect.site import Site


def link_for(site: Site, account: str) -> str:
    answer = site.program("op").post(f"{site.url}/grdf/connect/{account}/link", timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["link"])


def path_of(link: str) -> str:
    return "/household?" + urlsplit(link).query


def ledger(site: Site) -> Governor:
    """Return the ledger of the site's calls, with a quota that allows many calls per second."""
    client = json.loads(site.stack.env["AIRFLOW_CONN_GRDF_ADICT"])["login"]
    place = site.stack.env.get("AIRFLOW__GRDF__QUOTA_URL") or f"sqlite:///{site.stack.home / 'grdf' / 'quota.db'}"
    return Governor(QuotaStore(place), client, Quota(1000.0, 6000))
