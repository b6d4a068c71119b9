"""ADICT, GRDF's data API, called as one client with the shared data token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from grdf.hooks.connection import connection_of
from grdf.hooks.http_calls import LARGEST_OF_METER, TimedResponse, bearer, retry_after, send_at_turn
from grdf.hooks.oauth import DataToken, GrdfOAuthHook, Variables, variable_of
from grdf.quota.call_terms import DAILY, Terms
from grdf.quota.governor import Governor, Turn, governor_for
from grdf.staging.staged_answers import StagedAnswer
from include.gas.account.declared_right import parse_declaration_answer
from include.gas.answers.access_rights import RightsList, parse_rights
from include.gas.answers.refusals import declaration_error, http_error, proof_error
from include.gas.days.windows import Window
from include.gas.errors import GasError
from include.gas.meter_tag import meter_tag
from include.gas.proof.proof_file import ProofFile

NDJSON = "application/x-ndjson"
UNQUOTED = partial(http_error, quoted=False)
"""GRDF's message about rights may name the household."""


@dataclass(frozen=True)
class Call:
    """A call to ADICT: path, subject for messages, arguments of ``requests``, and the function for its refusals.

    :param most: largest answer in bytes, if not as large as that about all rights
    """

    method: str
    path: str = field(repr=False)
    what: str
    account: str | None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    accept: str = "application/json"
    judge: Callable[..., GasError | None] = http_error
    most: int | None = None


class AdictHook(BaseHook):
    """Calls ADICT with the shared data token, and renews it once when GRDF refuses it."""

    conn_name_attr = "grdf_conn_id"
    default_conn_name = "grdf_adict"

    def __init__(
        self,
        grdf_conn_id: str = default_conn_name,
        *,
        token_store: Variables | dict[str, str] | None = None,
        family: dict[str, AdictHook] | None = None,
    ) -> None:
        super().__init__()
        self.grdf_conn_id = grdf_conn_id
        self.oauth = GrdfOAuthHook(grdf_conn_id)
        self._shelf = Variables() if token_store is None else token_store
        self._family = {} if family is None else family
        self._family[grdf_conn_id] = self

    def for_account(self, document: Mapping[str, Any]) -> AdictHook:
        """Return the hook for an account's client, by its document or record; ``ClientUnknown`` if odd or unlisted."""
        return self.for_connection(connection_of(document))

    def for_connection(self, conn_id: str) -> AdictHook:
        """Return the hook for the client of a connection, always the same one."""
        return self._family.get(conn_id) or AdictHook(conn_id, token_store=self._shelf, family=self._family)

    # -- the token -----------------------------------------------------------------------------------------------------

    def data_token(self, *, terms: Terms = DAILY) -> tuple[DataToken, bool]:
        """Return the shared token and whether GRDF was called for a new one: another worker may have renewed it."""
        if token := self._stored_token():
            return token, False
        turn = self._governor().turn(terms.for_token)
        turn.wait_for_turn()
        if token := self._stored_token():
            turn.give_up()
            return token, False
        token = self.oauth.request_data_token(terms.for_token, turn)
        self._shelf[variable_of(self.grdf_conn_id)] = token.dump()
        return token, True

    def _stored_token(self) -> DataToken | None:
        token = DataToken.load(self._shelf.get(variable_of(self.grdf_conn_id)))
        if token is None or not token.is_usable(self.oauth.facts):
            return None
        mask_secret(token.value)
        return token

    # -- what GRDF can be asked ----------------------------------------------------------------------------------------

    def daily_lines(self, pce: str, window: Window, *, account: str, terms: Terms = DAILY) -> StagedAnswer:
        """Ask for the gas days of one meter (``donnees_consos_informatives``), in one call for any window."""
        return self._lines(pce, "consos_informatives", window, "gas days", account, terms)

    def published_lines(
        self, pce: str, window: Window, *, account: str, injected: bool = False, terms: Terms = DAILY
    ) -> StagedAnswer:
        """Ask for the billing periods of one meter (``donnees_<kind>_publiees``), up to five years in one call."""
        kind = "injections_publiees" if injected else "consos_publiees"
        return self._lines(pce, kind, window, "the published periods", account, terms)

    def _lines(self, pce: str, kind: str, window: Window, what: str, account: str, terms: Terms) -> StagedAnswer:
        path = f"/pce/{pce}/donnees_{kind}"
        dates = {"date_debut": str(window.first), "date_fin": str(window.end)}
        about = f"{what} {window} of meter {meter_tag(account, pce)}"
        call = Call("GET", path, about, account, {"params": dates}, NDJSON, most=LARGEST_OF_METER)
        sent = self._ask(call, terms)
        return StagedAnswer(pce, window, sent.at.isoformat(), sent.text)

    def meter_facts(self, pce: str, kind: str, *, account: str, terms: Terms = DAILY) -> str:
        """Ask for the facts of one meter (``donnees_<kind>``)."""
        what = f"the data ({kind}) of meter {meter_tag(account, pce)}"
        return self._ask(Call("GET", f"/pce/{pce}/donnees_{kind}", what, account), terms).text

    def query_rights(self, pces: Iterable[str], *, account: str, terms: Terms = DAILY) -> RightsList:
        """Ask for our rights to up to 1,000 meters in one call (``POST /droits_acces``)."""
        asked = {"json": {"id_pce": list(pces)}}
        call = Call("POST", "/droits_acces", "the household's consents", account, asked, NDJSON, UNQUOTED)
        return parse_rights(self._ask(call, terms).text, account=account)

    def query_all_rights(self, terms: Terms = DAILY) -> RightsList:
        """Ask for our rights to all meters in one call (``GET /droits_acces``)."""
        call = Call("GET", "/droits_acces", "the list of all our access rights", None, accept=NDJSON, judge=UNQUOTED)
        return parse_rights(self._ask(call, terms).text, account=None)

    def declare_right(
        self, pce: str, request: Mapping[str, Any], *, account: str, terms: Terms = DAILY
    ) -> tuple[str, bool]:
        """Declare a right to one meter (``PUT /pce/{pce}/droit_acces``). GRDF then mails the holder.

        Without an answer, GRDF may have taken it: :meth:`query_rights` before another try.

        :raises RightExists: if GRDF already has a right of ours to this meter
        :raises DeclarationRefused: if what was entered is not as GRDF knows it
        """
        what = f"the right to read meter {meter_tag(account, pce)}"
        call = Call("PUT", f"/pce/{pce}/droit_acces", what, account, {"json": request}, judge=declaration_error)
        return parse_declaration_answer(self._ask(call, terms).text)

    def send_proof(self, right_id: str, files: Sequence[ProofFile], *, account: str, terms: Terms = DAILY) -> None:
        """Send one to three files as proof (``PUT /droit_acces/{id}/preuves``); ``ProofNotSent`` if GRDF refuses.

        Without an answer, GRDF may have taken it: its list of rights shows that.
        """
        parts = [("preuves", (file.name(place), file.content, file.kind)) for place, file in enumerate(files, 1)]
        path = f"/droit_acces/{quote(right_id, safe='')}/preuves"
        what = f"the proof of a consent ({len(files)} file(s))"
        self._ask(Call("PUT", path, what, account, {"files": parts}, judge=proof_error), terms)

    def release_calls(self, terms: Terms) -> None:
        """Release booked calls that are not needed. If this fails, they count for a day."""
        with suppress(GasError):
            self._governor().release_calls(terms)

    # -- how it is asked -----------------------------------------------------------------------------------------------

    def _ask(self, call: Call, terms: Terms) -> TimedResponse:
        sent = self._send(call, terms)
        if sent.response.status_code == 401:
            sent = self._send(call, terms)
        status, seconds = sent.response.status_code, retry_after(sent.response)
        if refusal := call.judge(status, sent.text, account=call.account, what=call.what, retry_after=seconds):
            raise refusal
        return sent

    def _send(self, call: Call, terms: Terms) -> TimedResponse:
        governor, name = self._governor(), variable_of(self.grdf_conn_id)
        token, _ = self.data_token(terms=terms)
        turn = governor.turn(terms, account=call.account)
        if turn.waited:  # GRDF may have refused the token meanwhile
            token, _ = self.data_token(terms=terms)
        sent = self._sent(call, token, turn)
        if sent.response.status_code == 401:  # it was revoked early, or our clock differs from GRDF's
            if not terms.trial:
                governor.note_refusal()
            if DataToken.load(self._shelf.get(name)) == token:
                self._shelf[name] = ""
        return sent

    def _sent(self, call: Call, token: DataToken, turn: Turn) -> TimedResponse:
        return send_at_turn(
            turn,
            call.method,
            self.oauth.facts.api_base + call.path,
            who=f"asking for {call.what}, GRDF",
            most=call.most,
            headers={"Accept": call.accept},
            auth=bearer(token.value),
            **call.data,
        )

    def _governor(self) -> Governor:
        return governor_for(self.oauth.facts)
