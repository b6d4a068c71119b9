"""ADICT, GRDF's data API, called through the HTTP hook of Airflow's own provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from typing import Any
from urllib.parse import quote

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook

from grdf.hooks.adict_http import JSON, BearerAuth, Call, SecretlessHttpHook, text_of
from grdf.hooks.connection import connection_of
from grdf.hooks.data_token import DataToken, SharedToken, TokenShelf, VariableShelf, variable_of
from grdf.hooks.oauth import PATIENCE, TIMEOUT, GrdfOAuthHook, retry_after
from grdf.quota.governor import Governor, Turn, governor_for
from grdf.quota.terms import DAILY, Terms
from grdf.staging.area import StagedAnswer
from grdf.transport.http_limits import outcome, why
from grdf.transport.turn_adapter import Sent, TurnAdapter, send_at_turn
from include.gas.account.declaring import Declared, answered
from include.gas.account.sections.client import DEFAULT, KEY
from include.gas.answers.access_rights import Rights, read_rights
from include.gas.answers.refusals import declaration_error, http_error, proof_error
from include.gas.days.windows import Window
from include.gas.errors import GasError, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.proof.proof_file import ProofFile


class AdictHook(BaseHook):
    """Calls ADICT with the shared data token, and renews the token once when GRDF refuses it.

    It asks as one client. :meth:`of` leads to the client of an account, which alone has the account's rights; accounts
    that name none belong to the client of the hook that was made first, of which the others are siblings.

    :param grdf_conn_id: Airflow connection with the API base and the client's credentials
    :param shelf: where the shared token is kept
    :param one_at_a_time: returns a context in which no other worker renews the token
    :param sibling: makes the hook for another connection
    """

    conn_name_attr = "grdf_conn_id"
    default_conn_name = "grdf_adict"

    def __init__(
        self,
        grdf_conn_id: str = default_conn_name,
        *,
        shelf: TokenShelf | None = None,
        one_at_a_time: Callable[[], AbstractContextManager[object]] = nullcontext,
        sibling: Callable[[str], AdictHook] | None = None,
    ) -> None:
        super().__init__()
        self.grdf_conn_id = grdf_conn_id
        self.oauth = GrdfOAuthHook(grdf_conn_id)
        self._adapter = TurnAdapter()
        self._shelf = shelf or VariableShelf(variable=variable_of(grdf_conn_id))
        self._sibling = sibling or AdictHook
        self._family: dict[str, AdictHook] = {grdf_conn_id: self}
        self._one_at_a_time = one_at_a_time

    def of(self, document: Mapping[str, Any]) -> AdictHook:
        """Return the hook for the client that an account belongs to. No other one may be asked for it.

        :param document: the account's document, or the record of its deletion
        :raises ClientUnknown: if it names something odd, or a connection that the settings do not list
        """
        first = next(iter(self._family))
        if first != DEFAULT and KEY not in document:
            return self.named(first)  # a DAG of somebody's own, which says what to use instead of the usual one
        return self.named(connection_of(document))

    def named(self, conn_id: str) -> AdictHook:
        """Return the hook for the client of another connection, always the same one."""
        found = self._family.get(conn_id)
        if found is None:
            found = self._family[conn_id] = self._sibling(conn_id)
            found._family = self._family
        return found

    def get_conn(self) -> requests.Session:
        """Return a session without credentials, for calls that take their turn in the quota."""
        session: requests.Session = self._http.get_conn()
        return session

    @cached_property
    def _http(self) -> HttpHook:
        return SecretlessHttpHook(self.oauth.facts, self._adapter)

    @cached_property
    def tokens(self) -> SharedToken:
        """The token that all workers share."""
        facts = self.oauth.facts
        return SharedToken(
            self.oauth.ask_data_token,
            scope=facts.scope,
            client_id=facts.client_id,
            shelf=self._shelf,
            one_at_a_time=self._one_at_a_time,
        )

    def daily_lines(self, pce: str, window: Window, *, account: str, terms: Terms = DAILY) -> StagedAnswer:
        """Ask for the gas days of one meter (``donnees_consos_informatives``).

        This takes one call, however long the range.

        :param pce: the meter's number
        :param window: first gas day, and the day after the last (ADICT 3.2: ``date_fin`` is not included)
        :param account: the account's id, for messages
        :return: the answer as received
        :raises GasError: the error of :func:`include.gas.answers.refusals.http_error` for the HTTP status
        """
        what = f"gas days {window} of meter {meter_tag(account, pce)}"
        return self._lines(pce, "informatives", window, what, account, terms)

    def published_lines(self, pce: str, window: Window, *, account: str, terms: Terms = DAILY) -> StagedAnswer:
        """Ask for the billing periods of one meter (``donnees_consos_publiees``).

        This takes one call for up to five years.

        :param pce: the meter's number
        :param window: first gas day, and the day after the last
        :param account: the account's id, for messages
        :return: the answer as received
        :raises GasError: the error of :func:`include.gas.answers.refusals.http_error` for the HTTP status
        """
        what = f"the published periods {window} of meter {meter_tag(account, pce)}"
        return self._lines(pce, "publiees", window, what, account, terms)

    def _lines(self, pce: str, kind: str, window: Window, what: str, account: str, terms: Terms) -> StagedAnswer:
        first, end = window.first.isoformat(), window.end.isoformat()
        dates = {"date_debut": first, "date_fin": end}
        sent = self._accepted(Call("GET", f"/pce/{pce}/donnees_consos_{kind}", what, account, dates), terms)
        return StagedAnswer(pce, first, end, sent.at.isoformat(), text_of(sent.response))

    def contract(self, pce: str, *, account: str, terms: Terms = DAILY) -> str:
        """Ask for the contract of one meter (``donnees_contractuelles``).

        :param pce: the meter's number
        :param account: the account's id, for messages
        :return: the answer as received
        """
        what = f"the contract of meter {meter_tag(account, pce)}"
        return self._body(Call("GET", f"/pce/{pce}/donnees_contractuelles", what, account, accept=JSON), terms)

    def technical(self, pce: str, *, account: str, terms: Terms = DAILY) -> str:
        """Ask for the technical facts of one meter (``donnees_techniques``).

        :param pce: the meter's number
        :param account: the account's id, for messages
        :return: the answer as received; it contains the meter's address
        """
        what = f"the technical facts of meter {meter_tag(account, pce)}"
        return self._body(Call("GET", f"/pce/{pce}/donnees_techniques", what, account, accept=JSON), terms)

    def listed_rights(self, pces: Iterable[str], *, account: str, terms: Terms = DAILY) -> Rights:
        """Ask which rights we hold on some meters (``POST /droits_acces``). This takes one call for all of them.

        :param pces: numbers of up to 1,000 meters
        :param account: the account's id, for messages
        :return: the rights, and how many lines of the answer could not be read
        """
        what = "the household's consents"
        return self._rights(Call("POST", "/droits_acces", what, account, {"id_pce": list(pces)}, quoted=False), terms)

    def all_access_rights(self) -> Rights:
        """Ask which rights we hold on any meter (``GET /droits_acces``). This takes one call for all accounts.

        :return: the rights, and how many lines of the answer could not be read
        """
        return self._rights(
            Call("GET", "/droits_acces", "the list of all our access rights", None, quoted=False), DAILY
        )

    def _rights(self, call: Call, terms: Terms) -> Rights:
        return self._listed(call, self._accepted(call, terms))

    def _listed(self, call: Call, sent: Sent) -> Rights:
        rights = read_rights(text_of(sent.response), account=call.account)
        if rights.problem:
            raise rights.problem
        return rights

    def declare(self, pce: str, request: Mapping[str, Any], *, account: str, terms: Terms = DAILY) -> Declared:
        """Declare a right to read one meter (``PUT /pce/{pce}/droit_acces``). GRDF then mails the contract's holder.

        If no answer comes, GRDF may have taken it all the same: look at :meth:`listed_rights` before another try.

        :param pce: the meter's number
        :param request: see :func:`include.gas.account.declaring.request_of`; it names the holder
        :param account: the account's id, for messages
        :return: the right that GRDF has now
        :raises RightExists: if GRDF has a right of ours to this meter already
        :raises DeclarationRefused: if something that the household gave is not as GRDF knows it
        """
        what = f"the right to read meter {meter_tag(account, pce)}"
        sent = self._answer(Call("PUT", f"/pce/{pce}/droit_acces", what, account, request, JSON), terms)
        status, body = sent.response.status_code, text_of(sent.response)
        seconds = retry_after(sent.response)
        if refusal := declaration_error(status, body, account=account, what=what, retry_after=seconds):
            raise refusal
        return answered(body)

    def send_proof(self, right_id: str, files: Sequence[ProofFile], *, account: str, terms: Terms = DAILY) -> None:
        """Send the proof of a consent (``PUT /droit_acces/{id}/preuves``). GRDF then checks it.

        If no answer comes, GRDF may have taken it all the same: its list of rights tells.

        :param right_id: GRDF's id of the right
        :param files: one to three checked files
        :param account: the account's id, for messages
        :raises ProofNotSent: if GRDF does not take it
        """
        what = f"the proof of a consent ({len(files)} file(s))"
        parts = [("preuves", (file.name(place), file.content, file.kind)) for place, file in enumerate(files, 1)]
        path = f"/droit_acces/{quote(right_id, safe='')}/preuves"
        sent = self._answer(Call("PUT", path, what, account, accept=JSON, files=parts), terms)
        status, body = sent.response.status_code, text_of(sent.response)
        seconds = retry_after(sent.response)
        if refusal := proof_error(status, body, account=account, what=what, retry_after=seconds):
            raise refusal

    def try_rights(self, terms: Terms) -> Rights:
        """Ask for the list of all our access rights with a token of its own. This takes two calls in all.

        Nothing is kept, and a refusal says nothing to the workers: a person may be trying values that are wrong.

        :param terms: a trial's
        """
        token = self.oauth.ask_data_token(terms)
        call = Call("GET", "/droits_acces", "the list of all our access rights", None, quoted=False)
        return self._listed(call, self._checked(call, self._sent(call, token, self._governor().turn(terms))))

    def _body(self, call: Call, terms: Terms) -> str:
        return text_of(self._accepted(call, terms).response)

    def _accepted(self, call: Call, terms: Terms) -> Sent:
        """Make a call and return the answer. Raise the error for its HTTP status if that is a refusal."""
        return self._checked(call, self._answer(call, terms))

    def _checked(self, call: Call, sent: Sent) -> Sent:
        status, seconds = sent.response.status_code, retry_after(sent.response)
        body = text_of(sent.response)
        if refusal := http_error(
            status, body, account=call.account, what=call.what, retry_after=seconds, quoted=call.quoted
        ):
            raise refusal
        return sent

    def _answer(self, call: Call, terms: Terms) -> Sent:
        """Make a call, a second time with a new token after a 401, and return the answer whatever its status."""
        sent = self._send(call, terms)
        return self._send(call, terms) if sent.response.status_code == 401 else sent

    def _send(self, call: Call, terms: Terms) -> Sent:
        """Make a call with the token that all share. If GRDF refuses that, nobody uses it again."""
        token, _ = self.tokens.get(terms=terms.of_token)
        turn = self._governor().turn(terms, account=call.account)
        if turn.met_refusal:
            token, _ = self.tokens.get(terms=terms.of_token)
        sent = self._sent(call, token, turn)
        self._governor().after_call(sent.response.status_code, retry_after(sent.response))
        if sent.response.status_code == 401:  # it was revoked early, or our clock differs from GRDF's
            self._governor().refused()
            self.tokens.drop(token)
        return sent

    def _sent(self, call: Call, token: DataToken, turn: Turn) -> Sent:
        try:
            return send_at_turn(
                self.get_conn(),
                turn,
                call.method,
                self.oauth.facts.api_base + call.path,
                params=call.data if call.method == "GET" else None,
                json=None if call.method == "GET" or call.files else call.data,
                files=call.files or None,
                headers={"Accept": call.accept},
                auth=BearerAuth(token.value),
                timeout=TIMEOUT,
                allow_redirects=False,  # a redirect would carry the token to another address
            )
        except requests.RequestException as error:
            raise ServiceUnavailable.about(
                cause=f"GRDF {outcome(error)} for {call.what} ({why(error)})",
                account=call.account,
                next_step=PATIENCE,
            ) from None

    def release(self, terms: Terms) -> None:
        """Release the calls that were booked and are not needed. If this fails, they count for a day."""
        with suppress(GasError):
            self._governor().release(terms)

    def _governor(self) -> Governor:
        return governor_for(self.oauth.facts)
