"""An account as runs see it: meters, grant, state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.account.declaration import Declaration, has_personal_data, is_refused, needs_declaration
from include.gas.account.grant import Grant, grant_in, oauth_results
from include.gas.account.marks import leaving_asker
from include.gas.account.status import meters_in
from include.gas.documents.day_documents import check_account_id
from include.gas.errors import LOGIN_FAILED, USER_ACTION_NEEDED, AccountLeaving, BadAccount
from include.gas.rights.meter_rights import MeterAccess

ACCOUNT_TYPE = "grdfgrandlyon"


@dataclass(frozen=True, slots=True)
class Account:
    """One household's connection. ``partial``: the state concerns only some of its meters.

    :param state: Cozy's word for what is wrong; ``None`` when all is well
    :param reconnected: whether the household has consented again although its meters are known
    :param renews: when the declaration is due, if it waits for the end of a right in force
    """

    id: str
    state: str | None = None
    meters: tuple[MeterAccess, ...] = ()
    grant: Grant | None = None
    reconnected: bool = False
    leaving: str | None = None
    message: str = ""
    partial: bool = False
    declares: bool = False
    refused: bool = False
    renews: date | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Account:
        """Return the account in a document; ``BadAccount`` if it is another type of account or unreadable."""
        try:
            account = check_account_id(document.get("_id", ""))
        except ValueError as error:
            raise BadAccount.about(None, f"an account document has an odd _id: {error}") from None
        if document.get("account_type") != ACCOUNT_TYPE:
            raise BadAccount.about(account, f"its account_type is not {ACCOUNT_TYPE}")
        state = document.get("state") or None
        if state is not None and not isinstance(state, str):
            raise BadAccount.about(account, "its state is not a string")
        grant = grant_in(document, account)
        meters = meters_in(document, account)
        # The id_token is removed once the meters are known, so one beside our consents comes from a new consent. The
        # konnector kept its token, but wrote no ``consents``.
        fresh = grant is not None and (grant.code != "" or "consents" in oauth_results(document))
        given = Declaration.from_document(document) if needs_declaration(document) else None
        return cls(
            account,
            state,
            meters,
            grant,
            reconnected=bool(meters) and fresh,
            leaving=leaving_asker(document),
            message=str(document.get("state_message") or ""),
            partial=document.get("state_partial") is True,
            declares=has_personal_data(document),
            refused=is_refused(document),
            renews=next((each.renews_on for each in meters if given and each.pce == given.pce), None),
        )

    @property
    def waits_for_person(self) -> bool:
        """Whether the household must act first. Scheduled runs then stop at once, as in Cozy."""
        asked = (self.state or "").startswith((USER_ACTION_NEEDED, LOGIN_FAILED))
        fresh = self.reconnected or (self.declares and not self.refused) or (self.grant is not None and not self.meters)
        return asked and not fresh and not self.partial

    @property
    def is_settled(self) -> bool:
        """Whether the document asks for nothing, and its meters are read or over."""
        asks = self.grant is not None or self.declares or self.refused or self.state is not None
        words = {meter.word for meter in self.meters}
        return not asks and "active" in words and words <= {"active", "over"}

    @property
    def needs_grant(self) -> bool:
        """Whether the account's grant has not led to its meters yet."""
        return self.grant is not None and (not self.meters or self.reconnected)


def check_not_leaving(document: Mapping[str, Any]) -> None:
    """Raise ``AccountLeaving`` if the account's deletion is in progress."""
    if by := leaving_asker(document):
        raise AccountLeaving.about(
            str(document["_id"]), f"it is leaving (asked by {by}), so nothing is read or stored for it any more"
        )
