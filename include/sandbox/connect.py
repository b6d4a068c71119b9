"""Demo households that connect: an ``id_token`` as from cozy-stack, a code by redirects, a declaration."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import ACCOUNT
from include.sandbox.adict.meter_data.meters import DEMO_HOLDERS, Holder, Meter
from include.sandbox.control import consent_through_browser

TIMEOUT = 30
PATIENT = {"code_lifetime_s": 3600}
"""The stand-in's setting for a busy machine, whose first run may exchange a code more than GRDF's minute later."""


@dataclass(frozen=True)
class Household:
    """One demo account, whose code cozy-stack exchanges, or else its DAG."""

    account: str
    holder: Holder
    cozy: bool
    story: str


HOUSEHOLDS = (
    Household("real-household", DEMO_HOLDERS[0], True, "a real household's figures, and then those of a year before"),
    Household("two-meters", DEMO_HOLDERS[1], False, "two synthetic meters, connected with a code still to exchange"),
    Household("consent-revoked", DEMO_HOLDERS[2], True, "its holder withdrew the consent at GRDF after connecting"),
)


class AccountDocuments:
    """The account documents by plain HTTP, as another program would."""

    def __init__(self, url: str, user: str, password: str, prefix: str = "") -> None:
        self._database = f"{url.rstrip('/')}/{quote(database_name(ACCOUNT, prefix), safe='')}"
        self._http = requests.Session()
        self._http.auth = (user, password)

    def _ask(self, method: str, account: str, **more: Any) -> requests.Response:
        return self._http.request(method, f"{self._database}/{quote(account, safe='')}", timeout=TIMEOUT, **more)

    def get(self, account: str) -> dict[str, Any] | None:
        """Return an account's document, if there is one."""
        answer = self._ask("GET", account)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return dict(answer.json())

    def listed(self) -> list[str]:
        """Return the ids of all accounts."""
        answer = self._ask("GET", "_all_docs")
        rows = answer.json()["rows"] if answer.ok else []
        return [row["id"] for row in rows if not row["id"].startswith("_design/")]

    def remove(self, account: str) -> None:
        """Remove an account's document, if there is one."""
        if stored := self.get(account):
            self._ask("DELETE", account, params={"rev": stored["_rev"]}).raise_for_status()

    def save(self, document: Mapping[str, Any]) -> None:
        """Store an account's document without a ``_rev``, also in place of one."""
        stored = self.get(document["_id"])
        if stored is None:
            self._http.put(self._database, timeout=TIMEOUT)  # 412 if it already exists
        revision = {"_rev": stored["_rev"]} if stored else {}
        self._ask("PUT", document["_id"], json={**document, **revision}).raise_for_status()


def consent(facts: Mapping[str, str], holder: Holder, **choices: Any) -> dict[str, Any]:
    """Let a holder consent in a browser; return ``code``, ``redirect_uri`` and ``nonce``, or raise ``RuntimeError``."""
    state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    query = {
        "client_id": facts["client_id"],
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": facts["redirect_uri"],
        "state": state,
        "nonce": nonce,
        "login_hint": f"{holder.first_name};{holder.last_name};{holder.email};TIERS-EXEMPLE",
    }
    back = consent_through_browser(facts["authorize_url"], query, **choices)
    answer = dict(parse_qsl(urlsplit(back).query))
    if answer.get("state") != state:
        raise RuntimeError("The consent page came back with another state than the one sent.")
    if "code" not in answer:
        raise RuntimeError(f"The household was sent back without a code: {answer.get('error')}.")
    return {"code": answer["code"], "redirect_uri": facts["redirect_uri"], "nonce": nonce}


def code_account(account: str, grant: Mapping[str, Any]) -> dict[str, Any]:
    """Return an account document with a code to exchange."""
    return {"_id": account, "account_type": "grdfgrandlyon", "name": "", "oauth": dict(grant)}


def cozy_account(account: str, grant: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """Exchange the code and return the document as cozy-stack stores it, with the reduced token."""
    form = {
        "grant_type": "authorization_code",
        "code": grant["code"],
        "redirect_uri": grant["redirect_uri"],
        "client_id": facts["client_id"],
        "client_secret": facts["client_secret"],
    }
    answer = requests.post(facts["token_url"], data=form, timeout=TIMEOUT)
    answer.raise_for_status()
    token = answer.json()
    ends = datetime.now(UTC) + timedelta(seconds=token["expires_in"])
    return {
        "_id": account,
        "account_type": "grdfgrandlyon",
        "name": "",
        "oauth": {
            "access_token": token["access_token"],
            "token_type": token["token_type"],
            "expires_at": ends.isoformat(timespec="seconds"),
        },
        "oauth_callback_results": {"id_token": token["id_token"], "scope": token["scope"]},
    }


def declared_account(household: Household) -> dict[str, Any]:
    """Return an account document with a declaration."""
    holder = household.holder
    meter = Meter(holder.pces[0])
    given = {"pce": meter.pce, "name": holder.last_name, "postcode": meter.postcode, "email": holder.email}
    return {"_id": household.account, "account_type": "grdfgrandlyon", "name": "", "declaration": given}


def connect(household: Household, facts: Mapping[str, str], book: AccountDocuments) -> None:
    """Connect one demo household and store its account document."""
    grant = consent(facts, household.holder)
    make = cozy_account(household.account, grant, facts) if household.cozy else code_account(household.account, grant)
    book.save(make)
