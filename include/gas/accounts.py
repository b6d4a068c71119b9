"""The account document: what cozy-stack leaves in it after its OAuth dance, and what we make of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.account.lost_consents import LostConsents, handed_over, lost_message, meters_lost
from include.gas.account.marks import Leaving, leaving
from include.gas.consents import Consent, is_pce
from include.gas.days import utc_text
from include.gas.documents import Document, check_account_id
from include.gas.errors import (
    LOGIN_FAILED,
    OAUTH_OUTDATED,
    PERMISSIONS_CHANGED,
    USER_ACTION_NEEDED,
    BadAccount,
    GrantRefused,
)
from include.gas.meter_tag import without_numbers
from include.gas.words import day_in

ACCOUNT_TYPE = "grdfgrandlyon"

_SECRET_WORDS = ("token", "secret", "password", "nonce", "code", "expires")
UNEXPLAINED = "state_unexplained"
"""Key of an account document whose state comes from a refusal without a reason."""

_FORMER = "former_id_token"
"""Key beside the consents: the konnector's `id_token`, as long as it may still tell which right the account brought."""
FORMER_KEPT = timedelta(days=30)
"""For how long: somebody has to put a setting right meanwhile, and no token stays at rest for ever."""

_CLEARED = ("state_message", "state_since", "state_partial", UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class IdToken:
    """A grant already exchanged by cozy-stack.

    :param token: the id_token, not yet checked.
    :param nonce: the one sent with the request, or None.
    """

    token: str = field(repr=False)
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Code:
    """A grant still to exchange.

    :param code: the authorization code; works once, for a few minutes.
    :param redirect_uri: the one it was asked with, or None for the configured one.
    :param nonce: the one sent with the request, or None.
    """

    code: str = field(repr=False)
    redirect_uri: str | None = None
    nonce: str | None = field(default=None, repr=False)


Grant = IdToken | Code


@dataclass(frozen=True, slots=True)
class Account:
    """One household's connection.

    :param id: the account's id.
    :param state: Cozy's word for what is wrong, or None.
    :param meters: the consents we know, in order; empty before the first launch.
    :param grant: what the household's consent left for us to take, or None.
    :param reconnected: whether the meters are known and yet a newer consent waits to be taken.
    :param leaving: the mark of a deletion under way, or None.
    :param message: the sentence that goes with the state.
    :param partial: whether the state concerns some of its meters only.
    """

    id: str
    state: str | None = None
    meters: tuple[Consent, ...] = ()
    grant: Grant | None = None
    reconnected: bool = False
    leaving: Leaving | None = None
    message: str = ""
    partial: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Account:
        """Read an account document.

        :param document: in the shape cozy-stack, the konnector or we leave it in.
        :raises BadAccount: if it is not an account of ours or cannot be understood.
        """
        account = _account_id(document)
        if document.get("account_type") != ACCOUNT_TYPE:
            raise BadAccount.about(account, f"its account_type is not {ACCOUNT_TYPE}")
        oauth = _part(document, "oauth", account)
        results = _part(document, "oauth_callback_results", account)
        _part(document, "history", account)
        state = document.get("state") or None
        if state is not None and not isinstance(state, str):
            raise BadAccount.about(account, "its state is not a text")
        grant = _grant(oauth, results, account)
        meters = _meters(results, account)
        # We drop the id_token once its meters are known, so one that is there again beside our consents comes from a
        # new dance, whether or not the household was asked to act. The konnector kept it, but wrote no `consents`.
        fresh = isinstance(grant, Code) or (grant is not None and "consents" in results)
        return cls(
            account,
            state,
            meters,
            grant,
            reconnected=bool(meters) and fresh,
            leaving=leaving(document),
            message=str(document.get("state_message") or ""),
            partial=document.get("state_partial") is True,
        )

    @property
    def waits_for_person(self) -> bool:
        """Whether the household must act before a run can succeed, as far as we know.

        As in Cozy, scheduled runs then stop at once, until a run started by hand succeeds or a new consent is there.
        """
        asked = (self.state or "").startswith((USER_ACTION_NEEDED, LOGIN_FAILED))
        fresh = self.reconnected or (self.grant is not None and not self.meters)
        return asked and not fresh and not self.partial

    @property
    def reads_on(self) -> bool:
        """Whether known meters can be read on although a newer consent could not be taken.

        So it is where nobody is asked to act, or for some of the meters only.
        """
        asked = (self.state or "").startswith((USER_ACTION_NEEDED, LOGIN_FAILED))
        return bool(self.meters) and (not asked or self.partial)

    @property
    def needs_first_launch(self) -> bool:
        """Whether the meters must be learnt: none is known, or the household has consented anew."""
        return not self.meters or self.reconnected

    def required_grant(self) -> Grant:
        """Return the grant, which a first launch cannot do without.

        :raises GrantRefused: if there is none.
        """
        if self.grant is None:
            raise GrantRefused.about(
                self.id, "no meter is known, and there is neither an id_token nor a code to learn it from"
            )
        return self.grant


def with_meters(document: Mapping[str, Any], consents: Iterable[Consent], at: datetime | str | None = None) -> Document:
    """Put new consents into an account document and take out every token, code and secret, and the state.

    The state stays, for some of its meters only, where it may be about one that these consents do not name.

    A meter of the account that these consents do not name stays: it may have one of its own, which stands until GRDF
    says that it is lost or the household leaves, and is then revoked. So does a right that the account brought before
    for a meter that they do name.

    :param document: the account document.
    :param consents: at least one.
    :param at: when they were brought, aware; None when that is not known.
    :return: a new document; `oauth_callback_results.pce_id` is the first meter, as the konnector had it.
    :raises ValueError: if there is no consent.
    :raises BadAccount: if the meters that the document holds cannot be understood.
    """
    named = {consent.pce: consent for consent in consents}
    if not named:
        raise ValueError("an account needs at least one meter")
    account = str(document.get("_id"))
    known = _meters(_part(document, "oauth_callback_results", account), account)
    others = [meter for meter in known if meter.pce not in named]
    former = {meter.pce: meter for meter in known}
    brought = "" if at is None else utc_text(at)
    fresh = [_beside(replace(consent, brought=brought), former.get(pce)) for pce, consent in named.items()]
    meters = [*fresh, *others]
    lost = [meter for meter in others if meter.lost or meter.pce in meters_lost(document)]
    changed = LostConsents.noted(_state_of_others(document, others, lost), [meter.pce for meter in lost])
    changed["oauth"] = _without_secrets(changed.get("oauth"))
    results = _without_secrets(changed.get("oauth_callback_results"))
    results["pce_id"] = meters[0].pce
    results["consents"] = [consent.as_json() for consent in meters]
    changed["oauth_callback_results"] = results
    return changed


def _state_of_others(document: Mapping[str, Any], others: Sequence[Consent], lost: Sequence[Consent]) -> Document:
    """Leave of the state what is about the meters that a new consent does not name; `lost` are those without a usable
    consent."""
    account, state = str(document.get("_id")), document.get("state")
    if state not in (OAUTH_OUTDATED, PERMISSIONS_CHANGED):
        return with_state(document, None)
    if lost:
        said = [(meter.pce, meter.unusable or "not usable") for meter in lost]
        return with_state(document, state, lost_message(account, said, handed_over(document)), partial=True)
    if others and not meters_lost(document):  # GRDF has refused a meter, maybe one of these: its list will say
        return {**copy.deepcopy(dict(document)), "state_partial": True}
    return with_state(document, None)


def _beside(consent: Consent, former: Consent | None) -> Consent:
    """Give a new consent with the rights that the account brought before on the same meter."""
    rights = former.rights if former else ()
    again = next((right for right in rights if right.id_accreditation == consent.id_accreditation), None)
    if again and (consent.first, consent.end, consent.calls_until) == (None, None, None):
        consent = replace(again, brought=consent.brought)  # how far it reaches is known
    before = tuple(right for right in rights if right.id_accreditation not in (None, consent.id_accreditation))
    return replace(consent, others=before)


def without_grant(document: Mapping[str, Any], *, token: bool = False) -> Document:
    """Take out a code that GRDF has refused: it works once, so that one found later is known to be a new one.

    :param document: the account document.
    :param token: whether to take out an `id_token`, too.
    """
    changed: Document = copy.deepcopy(dict(document))
    changed["oauth"] = _without_secrets(changed.get("oauth"))
    if token:
        changed["oauth_callback_results"] = _without_secrets(changed.get("oauth_callback_results"))
    return changed


def with_id_token(document: Mapping[str, Any], token: IdToken) -> Document:
    """Put what a code was exchanged for in its place, as cozy-stack does: the code works once.

    :param document: the account document.
    :param token: the `id_token`, with the nonce it must bear.
    """
    changed = without_grant(document)
    changed["oauth_callback_results"] = {**(changed.get("oauth_callback_results") or {}), "id_token": token.token}
    if token.nonce is not None:
        changed["oauth"]["nonce"] = token.nonce
    return changed


def with_consents(document: Mapping[str, Any], consents: Iterable[Consent]) -> Document:
    """Put what was learnt of known meters (their dates, a missing `id_accreditation`) into an account document.

    :param document: the account document, as it is when it is written.
    :param consents: all its meters, in order.
    :return: a new document.
    """
    changed: Document = copy.deepcopy(dict(document))
    results = dict(changed.get("oauth_callback_results") or {})
    consents = list(consents)
    if "consents" not in results:  # the konnector's document: its old id_token must not pass for a new consent later
        former = {"token": results.get("id_token"), "nonce": (changed.get("oauth") or {}).get("nonce")}
        results = _without_secrets(results) | ({_FORMER: former} if former["token"] else {})
        changed["oauth"] = _without_secrets(changed.get("oauth"))
    if all(consent.id_accreditation for consent in consents):
        results.pop(_FORMER, None)
    results["consents"] = [consent.as_json() for consent in consents]
    changed["oauth_callback_results"] = results
    return changed


def without_old_token(document: Document, today: date) -> Document:
    """Remove the konnector's `id_token` from beside the consents when it was put aside for long enough.

    :param document: the account document.
    :param today: civil date in Paris.
    :return: the same document, or a new one.
    """
    results = document.get("oauth_callback_results")
    if not isinstance(results, Mapping) or _FORMER not in results:
        return document
    looked = [meter.looked for meter in Account.from_document(document).meters if meter.looked]
    if not looked or today < min(looked) + FORMER_KEPT:
        return document
    return {**document, "oauth_callback_results": {key: each for key, each in results.items() if key != _FORMER}}


def former_token(document: Mapping[str, Any]) -> IdToken | None:
    """Give the `id_token` that the konnector left, put aside while it could not be checked: a setting may be wrong.

    :param document: the account document.
    """
    results = document.get("oauth_callback_results")
    former = results.get(_FORMER) if isinstance(results, Mapping) else None
    if not isinstance(former, Mapping) or not isinstance(former.get("token"), str):
        return None
    nonce = former.get("nonce")
    return IdToken(former["token"], nonce if isinstance(nonce, str) else None)


def with_state(
    document: Mapping[str, Any],
    state: str | None,
    message: str = "",
    since: datetime | str | None = None,
    *,
    partial: bool = False,
) -> Document:
    """Put a state into an account document.

    :param document: the account document.
    :param state: Cozy's word, or None when all is well.
    :param message: why, for a person; must hold no secret. Meters are named by their tags in it: runs log it.
    :param since: when it was noticed, aware; kept from before while the state stays the same.
    :param partial: whether it concerns some of the account's meters only, so that the others are read on.
    :return: a new document, equal to the old one when it said so already.
    """
    changed: Document = copy.deepcopy(dict(document))
    if state is None:
        for key in _CLEARED:
            changed.pop(key, None)
        if changed.get("state"):
            changed["state"] = None
        return changed
    same = changed.get("state") == state
    changed["state"] = state
    changed["state_message"] = without_numbers(message, str(document.get("_id")))
    for key in ("state_partial", UNEXPLAINED):
        changed.pop(key, None)
    if partial:
        changed["state_partial"] = True
    if since is not None and not (same and changed.get("state_since")):
        changed["state_since"] = utc_text(since)
    return changed


def _account_id(document: Mapping[str, Any]) -> str:
    try:
        return check_account_id(document["_id"])
    except KeyError:
        raise BadAccount.about(None, "an account document has no _id") from None
    except ValueError as error:
        raise BadAccount.about(None, f"an account document has an odd _id: {error}") from None


def _part(document: Mapping[str, Any], key: str, account: str) -> Mapping[str, Any]:
    part = document.get(key)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise BadAccount.about(account, f"its {key} is not an object")
    return part


def _grant(oauth: Mapping[str, Any], results: Mapping[str, Any], account: str) -> Grant | None:
    nonce = _word(oauth, "nonce", account)
    code = _word(oauth, "code", account)
    if code is not None:  # newer than any id_token: the exchange drops it
        return Code(code, _word(oauth, "redirect_uri", account), nonce)
    token = _word(results, "id_token", account)
    return None if token is None else IdToken(token, nonce)


def _meters(results: Mapping[str, Any], account: str) -> tuple[Consent, ...]:
    meters: dict[str, Consent] = {}
    listed = results.get("consents")
    if listed is not None and not isinstance(listed, list):
        raise BadAccount.about(account, "its list of consents is not a list")
    for entry in listed or []:
        pce = entry.get("pce") if isinstance(entry, Mapping) else None
        if not isinstance(pce, str) or not is_pce(pce):
            raise BadAccount.about(account, "one of its consents names no valid meter")
        others = entry.get("others") or []
        if not isinstance(others, list) or not all(isinstance(other, Mapping) for other in others):
            raise BadAccount.about(account, "the former rights of one of its meters are not a list of objects")
        former = tuple(_right(other, pce, account) for other in others)
        meters[pce] = replace(_right(entry, pce, account), others=former)
    single = _word(results, "pce_id", account)
    if single is not None and single not in meters:
        if not is_pce(single):
            raise BadAccount.about(account, "its pce_id is no valid meter")
        meters[single] = Consent(single)
    return tuple(meters.values())


def _right(entry: Mapping[str, Any], pce: str, account: str) -> Consent:
    first, end, calls_until, looked = (day_in(entry.get(key)) for key in ("first", "end", "calls_until", "looked"))
    seen = entry.get("seen")
    days = {right: day_in(day) for right, day in seen.items()} if isinstance(seen, Mapping) else {}
    return Consent(
        pce,
        _word(entry, "id_accreditation", account),
        first,
        end,
        calls_until,
        unusable=_word(entry, "unusable", account) or "",
        told=_word(entry, "told", account) or "",
        brought=_word(entry, "brought", account) or "",
        looked=looked,
        seen=tuple((right, day) for right, day in days.items() if day),
    )


def _word(part: Mapping[str, Any], key: str, account: str) -> str | None:
    value = part.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadAccount.about(account, f"its {key} is not a text")
    return value


def _without_secrets(part: object) -> Document:
    if not isinstance(part, Mapping):
        return {}
    return {key: value for key, value in part.items() if not any(word in key.lower() for word in _SECRET_WORDS)}
