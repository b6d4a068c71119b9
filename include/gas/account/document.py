"""The shape of the whole account document. ``docs/documents.md`` is generated from these classes.

Keys that are not listed here belong to other programs, such as Cozy's, and are left alone.
"""

from __future__ import annotations

from datetime import date

import msgspec

from include.gas.account.sections.announcements import Announced, Unannounced
from include.gas.account.sections.client import GrdfClient
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.lost_days import LostDays
from include.gas.account.sections.marks import Connected, Leaving, TakenOver
from include.gas.account.sections.missing_days import MissingDays
from include.gas.account.sections.published_note import BookHeld, MonthlyFailed, PublishedNote
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.list_seen import ConsentEnds, ListMissed, ListSeen
from include.gas.account.sections.rights.lost_consents import GivenBack, LostConsents, OthersRights, SharedMeters
from include.gas.account.sections.rights.proofs import Proof
from include.gas.account.sections.rights.sent_declarations import SentDeclarations
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
    GrdfClient,
    Declaration,
    SentDeclarations,
    Proof,
    TakenOver,
    Leaving,
    MonthlyFailed,
    BookHeld,
)


class ConsentEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account's own right to read one meter, as in :class:`include.gas.consents.consent.Consent`.

    :param pce: the meter
    :param id_accreditation: GRDF's id of the newest right that the account brought; null if unknown
    :param first: first gas day that the right covers; absent for no bound
    :param end: first gas day after the right; absent for no bound
    :param calls_until: last civil day on which GRDF may be asked; absent for no bound or if unknown
    :param looked: if the account's own right is unknown: the day on which we first looked for it
    :param unusable: the state of the right in words, if GRDF's list says that it cannot be used
    :param told: when GRDF was asked for the list that said so, UTC
    :param brought: when the account brought the right, UTC
    :param seen: if the account's own right is unknown: the rights listed for the meter since then, by GRDF's id, each
        with the day on which it was first seen
    :param accepted: whether a list has shown the right in force, where the other keys say something else: false for one
        that nobody has accepted, true for one that was in force and is listed as refused or waiting; absent otherwise
    :param others: rights to the same meter that the account brought earlier, newest first
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
    accepted: bool | None = None
    others: list[ConsentEntry] = []


class OAuth(msgspec.Struct, frozen=True):
    """What cozy-stack's OAuth flow left. The first launch removes every token, code and secret from it.

    :param code: an authorization code that is not exchanged yet; works once
    :param redirect_uri: the redirect URI of the authorization request; absent for the configured one
    :param nonce: the nonce of the authorization request
    """

    code: str = ""
    redirect_uri: str = ""
    nonce: str = ""


class FormerToken(msgspec.Struct, frozen=True):
    """The konnector's ``id_token``, kept for 30 days at most while it may still say which right the account brought.

    :param token: the ``id_token``
    :param nonce: the nonce that it must contain; null if there is none
    """

    token: str
    nonce: str | None


class OAuthResults(msgspec.Struct, frozen=True):
    """The result of the household's consent. If an entry cannot be understood, nothing is read for the account.

    :param id_token: GRDF's answer to the consent, not checked yet; removed once its meters are known
    :param pce_id: the first meter, as in the konnector's accounts
    :param consents: the rights to each meter; absent before the first launch
    :param former_id_token: an old token of the konnector's, see below
    """

    id_token: str = ""
    pce_id: str = ""
    consents: list[ConsentEntry] = []
    former_id_token: FormerToken | None = None


class AccountDocument(msgspec.Struct, frozen=True):
    """A household's connection. cozy-stack, the konnector or the connection page created it.

    :param id: the account id: 1 to 128 letters, digits, ``_`` and ``-``
    :param rev: CouchDB's revision
    :param account_type: ``grdfgrandlyon``
    :param oauth: tokens and codes of the OAuth flow; written by cozy-stack and removed by the first launch
    :param oauth_callback_results: the result of the consent; written by cozy-stack, then by the first launch, by the
        connection page and by tasks that check GRDF's list
    :param state: Cozy's word for what is wrong, such as ``USER_ACTION_NEEDED.OAUTH_OUTDATED``; null when all is well.
        It is set by the task that meets the problem or by the check of consents, and cleared by a load that succeeds
        or by a new consent
    :param state_message: what is wrong and what to do, in words; meters are named by their tags
    :param state_since: when the state was first noticed, UTC
    :param state_partial: whether the state concerns only some of the meters; the others are still read
    :param state_proof: whether the state is about nothing but a proof of consent that GRDF has refused; all meters are
        still read
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
    state_proof: bool = False
