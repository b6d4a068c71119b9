"""Demo households that connect: through the real redirects of Client Connect, or with a right that we declare.

All kinds of accounts that the project accepts are shown: what cozy-stack stores after it has exchanged the code (an
``id_token`` and a reduced token), a code that has not been exchanged yet, and a declaration.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests

from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import database_name
from include.sandbox.adict.meter_data.meters import DEMO_HOLDERS, Holder, find
from include.sandbox.control import consent_through_browser

TIMEOUT = 30
WELCOME = "<!doctype html><title>GRDF</title><p>Thank you. You can close this page.</p>"


@dataclass(frozen=True)
class Household:
    """One demo account.

    :param account: the account's id
    :param holder: the person who consents
    :param cozy: whether cozy-stack exchanges the code; otherwise the account's DAG does
    :param story: what the household shows, in one line
    """

    account: str
    holder: Holder
    cozy: bool
    story: str


HOUSEHOLDS = (
    Household(
        "real-household", DEMO_HOLDERS[0], True, "a real household's figures, continued by those of a year before"
    ),
    Household("two-meters", DEMO_HOLDERS[1], False, "two synthetic meters, connected with a code still to exchange"),
    Household("consent-revoked", DEMO_HOLDERS[2], True, "its holder withdrew the consent at GRDF after connecting"),
)


class FrontDoor:
    """An HTTP server to which Client Connect sends a household's browser back. It runs inside its ``with`` block.

    :param port: loopback port; 0 for a free one
    """

    def __init__(self, port: int = 0) -> None:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path != "/grdf/callback":
                    self.send_error(404)
                    return
                door.received.append({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(WELCOME.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Do not log requests, because the query contains a code."""

        self.received: list[dict[str, str]] = []
        self._server = HTTPServer(("127.0.0.1", port), Handler)
        self.redirect_uri = f"http://127.0.0.1:{self._server.server_port}/grdf/callback"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> FrontDoor:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class AccountBook:
    """The account documents, read and written with plain HTTP, as another program that connects households would.

    :param url: CouchDB's address, without a login
    :param prefix: prefix of the database's name
    """

    def __init__(self, url: str, user: str, password: str, prefix: str = "") -> None:
        self._database = f"{url.rstrip('/')}/{quote(database_name(ACCOUNT, prefix), safe='')}"
        self._http = requests.Session()
        self._http.auth = (user, password)

    def get(self, account: str) -> dict[str, Any] | None:
        """Return an account's document, ``None`` if there is none."""
        answer = self._http.get(f"{self._database}/{quote(account, safe='')}", timeout=TIMEOUT)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def listed(self) -> list[str]:
        """Return the ids of all accounts."""
        answer = self._http.get(f"{self._database}/_all_docs", timeout=TIMEOUT)
        rows = answer.json()["rows"] if answer.ok else []
        return [row["id"] for row in rows if not row["id"].startswith("_design/")]

    def remove(self, account: str) -> None:
        """Remove an account's document, if there is one."""
        stored = self.get(account)
        if stored is not None:
            parameters = {"rev": stored["_rev"]}
            answer = self._http.delete(
                f"{self._database}/{quote(account, safe='')}", params=parameters, timeout=TIMEOUT
            )
            answer.raise_for_status()

    def save(self, document: Mapping[str, Any]) -> None:
        """Store an account's document, and replace an existing one.

        :param document: the document with its ``_id``, without a ``_rev``
        """
        stored = self.get(document["_id"]) or {}
        if not stored:
            self._http.put(self._database, timeout=TIMEOUT)  # 412 if it already exists
        revision = {"_rev": stored["_rev"]} if stored else {}
        answer = self._http.put(
            f"{self._database}/{quote(document['_id'], safe='')}", json={**document, **revision}, timeout=TIMEOUT
        )
        answer.raise_for_status()


def consent(facts: Mapping[str, str], door: FrontDoor, holder: Holder, **choices: Any) -> dict[str, Any]:
    """Let a holder consent in a browser, and receive the code at the front door.

    :param facts: the sandbox's connection facts
    :param door: the front door; its address must be a redirect URI of the sandbox
    :param choices: as for :func:`include.sandbox.control.consent_through_browser`
    :return: ``code``, ``redirect_uri`` and ``nonce``, as an account's ``oauth`` holds them
    :raises RuntimeError: if the household comes back without a code or with the wrong state
    """
    state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    query = {
        "client_id": facts["client_id"],
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": door.redirect_uri,
        "state": state,
        "nonce": nonce,
        "login_hint": f"{holder.first_name};{holder.last_name};{holder.email};TIERS-EXEMPLE",
    }
    back = consent_through_browser(facts["authorize_url"], query, **choices)
    requests.get(back, timeout=TIMEOUT).raise_for_status()
    answer = door.received.pop()
    if answer.get("state") != state:
        raise RuntimeError("The consent page came back with another state than the one sent.")
    if "code" not in answer:
        raise RuntimeError(f"The household was sent back without a code: {answer.get('error')}.")
    return {"code": answer["code"], "redirect_uri": door.redirect_uri, "nonce": nonce}


def code_account(account: str, grant: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of an account whose code has not been exchanged yet.

    :param account: the account's id
    :param grant: the result of :func:`consent`
    """
    return {"_id": account, "account_type": "grdfgrandlyon", "name": "", "oauth": dict(grant)}


def cozy_account(account: str, grant: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """Exchange the code as cozy-stack does, and return the document that it stores.

    It has the reduced token under ``oauth`` and every other key of the answer under ``oauth_callback_results``.

    :param account: the account's id
    :param grant: the result of :func:`consent`
    :param facts: the sandbox's connection facts
    """
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
    """Return the document of an account whose right our client is to declare, instead of any redirect.

    :raises ValueError: if GRDF's stand-in does not know the household's meter
    """
    holder = household.holder
    meter = find(holder.pces[0])
    if meter is None:
        raise ValueError(f"there is no meter {holder.pces[0]}")
    given = {"pce": meter.pce, "name": holder.last_name, "postcode": meter.postcode, "email": holder.email}
    return {"_id": household.account, "account_type": "grdfgrandlyon", "name": "", "declaration": given}


def connect(household: Household, facts: Mapping[str, str], door: FrontDoor, book: AccountBook) -> None:
    """Connect one demo household and store its account document.

    :param facts: the sandbox's connection facts
    :param door: the front door; its address must be a redirect URI of the sandbox
    """
    grant = consent(facts, door, household.holder)
    make = cozy_account(household.account, grant, facts) if household.cozy else code_account(household.account, grant)
    book.save(make)
