"""ADICT, GRDF's data API, over the HTTP hook of Airflow's own provider."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import cached_property
from typing import Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Connection
from requests.auth import AuthBase

from grdf.governor import Booking, Governor, TokenInDoubt, Turn
from grdf.hooks.data_token import DataToken, SharedToken, TokenShelf, VariableShelf
from grdf.hooks.limits import outcome, why
from grdf.hooks.oauth import TIMEOUT, GrdfOAuthHook, patience, retry_after
from grdf.hooks.quiet import hush, quiet
from grdf.hooks.turn_adapter import TurnAdapter
from grdf.quota import governor_for
from grdf.staging import StagedAnswer
from include.gas.consents import AccessRight, Rights, read_rights
from include.gas.errors import GasError, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.quota import Purpose
from include.gas.refusals import http_error
from include.gas.windows import Window

hush()


class BearerAuth(AuthBase):
    """Puts a bearer token on a request (RFC 6750, 2.1).

    :param token: the token
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign one request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class AdictHook(HttpHook):
    """Ask ADICT with the shared data token, renewing it once when GRDF refuses it.

    The provider's hook brings sessions, adapters and proxies. It would also send the connection's login and password
    as Basic credentials and its extra fields as headers, which here would give secrets away: this hook hands it a
    connection that has none.

    :param grdf_conn_id: Airflow connection with the API base and the client's credentials
    :param shelf: where the shared token is kept
    :param one_at_a_time: gives a context in which no other worker renews the token
    """

    conn_name_attr = "grdf_conn_id"
    default_conn_name = "grdf_adict"
    conn_type = "grdf"
    hook_name = "GRDF ADICT"

    def __init__(
        self,
        grdf_conn_id: str = default_conn_name,
        *,
        shelf: TokenShelf | None = None,
        one_at_a_time: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        # The provider's hook tells its log each address.
        self._log = quiet(f"airflow.task.hooks.{__name__}")  # type: ignore[assignment]  # the standard library's own
        self._turns = TurnAdapter(self._turn)
        super().__init__(method="GET", http_conn_id=grdf_conn_id, adapter=self._turns)
        self.oauth = GrdfOAuthHook(grdf_conn_id)
        self._shelf = shelf or VariableShelf()
        self._one_at_a_time = one_at_a_time
        self._token: DataToken | None = None
        self.purpose: Purpose = "daily"
        """What the calls are for: imports of the past say ``history``, and stand back behind daily runs."""
        self.booking: Booking | None = None
        """The calls that a task has to make: they are booked together with the first."""
        self._worker = secrets.token_hex(8)
        self._account: str | None = None  # for which the call is that waits for its turn

    @property
    def asked_at(self) -> datetime:
        """When the last call was sent, after the wait for the quota: of two answers the later question wins."""
        return self._turns.asked_at

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Give the provider's hook what it needs of the connection: the API base, and no secret.

        :param conn_id: Airflow's connection id
        """
        facts = GrdfOAuthHook(conn_id).facts
        return Connection(conn_id=conn_id, conn_type="http", host=facts.api_base)

    @cached_property
    def tokens(self) -> SharedToken:
        """The token shared with all other workers."""
        facts = self.oauth.facts
        return SharedToken(
            self.oauth.ask_data_token,
            scope=facts.scope,
            client_id=facts.client_id,
            shelf=self._shelf,
            one_at_a_time=self._one_at_a_time,
        )

    def daily_lines(self, pce: str, window: Window, *, account: str) -> StagedAnswer:
        """Ask for the gas days of one meter (``donnees_consos_informatives``): one call, whatever the range.

        :param pce: the meter
        :param window: first gas day, and the day after the last (ADICT 3.2: ``date_fin`` is not included)
        :param account: the account's id, for messages
        :return: the answer as it came
        :raises GasError: what :func:`include.gas.refusals.http_error` makes of the HTTP status
        """
        body = self._call(
            "GET",
            f"/pce/{pce}/donnees_consos_informatives",
            {"date_debut": window.first.isoformat(), "date_fin": window.end.isoformat()},
            account=account,
            what=f"gas days {window} of meter {meter_tag(account, pce)}",
            accept="application/x-ndjson",
        )
        return StagedAnswer(pce, window.first.isoformat(), window.end.isoformat(), self.asked_at.isoformat(), body)

    def published_lines(self, pce: str, window: Window, *, account: str) -> StagedAnswer:
        """Ask for the billing periods of one meter (``donnees_consos_publiees``): one call, up to five years.

        :param pce: the meter
        :param window: first gas day, and the day after the last
        :param account: the account's id, for messages
        :return: the answer as it came
        :raises GasError: what :func:`include.gas.refusals.http_error` makes of the HTTP status
        """
        body = self._call(
            "GET",
            f"/pce/{pce}/donnees_consos_publiees",
            {"date_debut": window.first.isoformat(), "date_fin": window.end.isoformat()},
            account=account,
            what=f"the published periods {window} of meter {meter_tag(account, pce)}",
            accept="application/x-ndjson",
        )
        return StagedAnswer(pce, window.first.isoformat(), window.end.isoformat(), self.asked_at.isoformat(), body)

    def contract(self, pce: str, *, account: str) -> str:
        """Ask for the contract of one meter (``donnees_contractuelles``).

        :param pce: the meter
        :param account: the account's id, for messages
        :return: the answer as it came
        """
        return self._meter_facts(
            pce, "contractuelles", account=account, what=f"the contract of meter {meter_tag(account, pce)}"
        )

    def technical(self, pce: str, *, account: str) -> str:
        """Ask for the technical facts of one meter (``donnees_techniques``).

        :param pce: the meter
        :param account: the account's id, for messages
        :return: the answer as it came; it holds the meter's address
        """
        return self._meter_facts(
            pce, "techniques", account=account, what=f"the technical facts of meter {meter_tag(account, pce)}"
        )

    def _meter_facts(self, pce: str, kind: str, *, account: str, what: str) -> str:
        path = f"/pce/{pce}/donnees_{kind}"
        return self._call("GET", path, {}, account=account, what=what, accept="application/json")

    def access_rights(self, pces: Iterable[str], *, account: str) -> tuple[AccessRight, ...]:
        """Ask which rights we hold on some meters, and give those that can be read.

        :param pces: up to 1,000 meters
        :param account: the account's id, for messages
        """
        return self.listed_rights(pces, account=account).rights

    def listed_rights(self, pces: Iterable[str], *, account: str) -> Rights:
        """Ask which rights we hold on some meters (``POST /droits_acces``): one call for all of them.

        :param pces: up to 1,000 meters
        :param account: the account's id, for messages
        :return: the rights, and how many lines of the answer could not be read
        """
        body = self._call(
            "POST",
            "/droits_acces",
            {"id_pce": list(pces)},
            account=account,
            what="the household's consents",
            accept="application/x-ndjson",
        )
        rights = read_rights(body, account=account)
        if rights.problem:
            raise rights.problem
        return rights

    def all_access_rights(self) -> Rights:
        """Ask which rights we hold on any meter (``GET /droits_acces``): one call for all accounts.

        :return: the rights, and how many lines of the answer could not be read
        """
        what = "the list of all our access rights"
        body = self._call("GET", "/droits_acces", {}, account=None, what=what, accept="application/x-ndjson")
        rights = read_rights(body, account=None)
        if rights.problem:
            raise rights.problem
        return rights

    def test_connection(self) -> tuple[bool, str]:
        """Ask for a token, then for our access rights; never raises."""
        self.purpose = "connect"  # somebody waits for it
        accepted, message = self.oauth.test_connection()
        if not accepted:
            return accepted, message
        try:
            token = self.oauth.ask_data_token()
            response = self._send("POST", "/droits_acces", {"id_pce": []}, "application/x-ndjson", token)
            if refusal := http_error(response.status_code, response.text, account=None, what="our access rights"):
                raise refusal
        except GasError as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001 - Airflow's "Test" button must never get an exception
            return False, f"ADICT could not be asked ({type(error).__name__}). Check the connection's host."
        return True, f"{message} ADICT answers at {self.oauth.facts.api_base}."

    def _call(
        self, method: str, path: str, data: dict[str, Any], *, account: str | None, what: str, accept: str
    ) -> str:
        response = self._answer(method, path, data, account=account, what=what, accept=accept)
        body = text_of(response)
        refusal = http_error(response.status_code, body, account=account, what=what, retry_after=retry_after(response))
        if refusal:
            raise refusal
        return body

    def _answer(
        self, method: str, path: str, data: dict[str, Any], *, account: str | None, what: str, accept: str
    ) -> requests.Response:
        """Ask, once more with a new token after a 401, and give the answer whatever its status."""
        if self._token is None:
            self._token, _ = self.tokens.get()
        response = self._reach(method, path, data, accept, account, what)
        if response.status_code != 401:
            return response
        # Revoked before its time, or another clock than ours: one new token, then what GRDF says counts, for all. The
        # first who meets it finds out, and the others wait for that.
        governor = self._governor()
        finds_out, refused = governor.token_refused(self._worker), None
        try:
            self._token, _ = self.tokens.get(refused=self._token.value)
            response = self._reach(method, path, data, accept, account, what)
            refused = response.status_code == 401
        finally:
            if finds_out or refused:
                with suppress(GasError):
                    governor.token_judged(self._worker, refused=refused)
        return response

    def _reach(
        self, method: str, path: str, data: dict[str, Any], accept: str, account: str | None, what: str
    ) -> requests.Response:
        try:
            while True:
                assert self._token is not None
                try:
                    return self._send(method, path, data, accept, self._token, account)
                except TokenInDoubt:
                    self._token, _ = self.tokens.get()
        except requests.RequestException as error:
            raise ServiceUnavailable.about(
                cause=f"GRDF {outcome(error)} for {what} ({why(error)})",
                account=account,
                next_step=patience(error),
            ) from None

    def _send(
        self, method: str, path: str, data: dict[str, Any], accept: str, token: DataToken, account: str | None = None
    ) -> requests.Response:
        self._account = account
        self.method = method
        self.auth_type = lambda: BearerAuth(token.value)
        how: dict[str, Any] = {"json": data} if method != "GET" else {}
        response: requests.Response = self.run(
            path,
            data if method == "GET" else None,
            headers={"Accept": accept},
            extra_options={"check_response": False, "timeout": TIMEOUT, "allow_redirects": False},
            **how,
        )
        self._governor().after_call(response.status_code, retry_after(response))
        return response

    def release_booking(self) -> None:
        """Let others have the calls that were booked and are not needed; what cannot be told now is let go later."""
        if self.booking and self.booking.asked:
            with suppress(GasError):
                self._governor().release(self.booking)
        self.booking = None

    def _governor(self) -> Governor:
        return governor_for(self.oauth.facts, self.oauth.longest_wait)

    def _turn(self) -> Turn:
        return self._governor().turn(
            account=self._account, purpose=self.purpose, booking=self.booking, data=True, worker=self._worker
        )


def text_of(response: requests.Response) -> str:
    """Read a body as what ADICT sends: UTF-8. Without a charset in the header requests would guess Latin-1.

    :param response: an answer of ADICT
    """
    return response.content.decode("utf-8", errors="replace")
