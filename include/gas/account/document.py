"""The account document as a whole: its keys, and the section that knows each. The source of ``docs/documents.md``.

Keys that are not here belong to other people, such as Cozy's, and stay as they are.
"""

from __future__ import annotations

from datetime import date

import msgspec

from include.gas.account.sections.announcements import Announced, Unannounced
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.list_seen import ConsentEnds, ListMissed, ListSeen
from include.gas.account.sections.lost_consents import GivenBack, LostConsents, OthersRights, SharedMeters
from include.gas.account.sections.lost_days import LostDays
from include.gas.account.sections.marks import Connected, Leaving, TakenOver
from include.gas.account.sections.missing_days import MissingDays
from include.gas.account.sections.monthly_turn import BookHeld, MonthlyFailed
from include.gas.account.sections.published_note import PublishedNote
from include.gas.account.sections.section import Section
from include.gas.account.sections.stored import Stored
from include.gas.account.sections.whole_history import HistoryRead

SECTIONS: tuple[type[Section], ...] = (
    Stored,
    HistoryRead,
    MissingDays,
    LostDays,
    MeterFacts,
    PublishedNote,
    LostConsents,
    OthersRights,
    SharedMeters,
    GivenBack,
    ConsentEnds,
    ListSeen,
    ListMissed,
    Unannounced,
    Announced,
    Connected,
    TakenOver,
    Leaving,
    MonthlyFailed,
    BookHeld,
)


class ConsentEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The right to read one meter, as :class:`include.gas.consents.consent.Consent` writes and reads it.

    :param pce: the meter
    :param id_accreditation: GRDF's id of the newest right that the account brought, null when it was never learnt
    :param first: first gas day it covers; absent for no bound
    :param end: gas day from which it covers nothing; absent for no bound
    :param calls_until: last civil day on which GRDF may be asked under it
    :param looked: for a meter whose own right was never learnt: the day on which it was looked for first
    :param unusable: in words, how it stands when GRDF's list says that nothing may be read under it
    :param told: when GRDF was asked for the list that said so, UTC
    :param brought: when the account brought it, UTC
    :param seen: for such a meter: the rights that lists have shown on it since, each with the first day of that
    :param others: the rights on the same meter that the account brought before, newest first
    """

    pce: str
    id_accreditation: str | None
    first: date | None = None
    end: date | None = None
    calls_until: date | None = None
    looked: date | None = None
    unusable: str = ""
    told: str = ""
    brought: str = ""
    seen: dict[str, date] = {}
    others: list[ConsentEntry] = []


class OAuth(msgspec.Struct, frozen=True):
    """What is left of cozy-stack's OAuth dance. The first launch takes every token, code and secret out.

    :param code: an authorization code still to exchange; works once
    :param redirect_uri: the address it was asked with; absent for the configured one
    :param nonce: the one sent with the request
    """

    code: str = ""
    redirect_uri: str = ""
    nonce: str = ""


class FormerToken(msgspec.Struct, frozen=True):
    """The konnector's ``id_token``, as long as it may still tell which right the account brought: 30 days at most.

    :param token: the ``id_token``
    :param nonce: the one it must bear, or null
    """

    token: str
    nonce: str | None


class OAuthResults(msgspec.Struct, frozen=True):
    """What the household's consent has brought. An odd entry makes the account odd: nothing is read for it.

    :param id_token: GRDF's answer to the consent, not checked yet; taken out once its meters are known
    :param pce_id: the first meter, as the konnector has it
    :param consents: the rights of each meter; absent before the first launch
    :param former_id_token: see below
    """

    id_token: str = ""
    pce_id: str = ""
    consents: list[ConsentEntry] = []
    former_id_token: FormerToken | None = None


class AccountDocument(msgspec.Struct, frozen=True):
    """A household's connection, as cozy-stack, the konnector or the connection page has made it.

    :param id: the account's id: 1 to 128 letters, digits, ``_`` and ``-``
    :param rev: CouchDB's revision
    :param account_type: ``grdfgrandlyon``
    :param oauth: tokens and codes of the dance; written by cozy-stack, until the first launch takes them out
    :param oauth_callback_results: what the consent has brought; written by cozy-stack, then by the first launch, the
        connection page and whoever looks into GRDF's list
    :param state: Cozy's word for what is wrong, such as ``USER_ACTION_NEEDED.OAUTH_OUTDATED``; null when all is well.
        The task that meets the problem writes it, or the check of consents; a load that succeeds takes it away,
        and so does a new consent
    :param state_message: in words, what is wrong and what to do. Meters are named by their tags
    :param state_since: when the state was noticed first, UTC
    :param state_partial: whether it concerns some of the meters only; the others are read on
    """

    id: str = msgspec.field(name="_id")
    account_type: str
    rev: str = msgspec.field(name="_rev", default="")
    oauth: OAuth | None = None
    oauth_callback_results: OAuthResults | None = None
    state: str | None = None
    state_message: str = ""
    state_since: str = ""
    state_partial: bool = False
