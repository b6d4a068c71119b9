"""The state of an account: Cozy's word, the message for people, and what rights make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from include.gas.account.declaration import (
    REFUSED_KEPT,
    has_personal_data,
    is_refused,
    refusal_text,
    waits_for_meter,
    with_entry_time,
    without_expired_person,
)
from include.gas.account.marks import leaving_asker
from include.gas.account.status import with_meters
from include.gas.answers.proof_state import REFUSED
from include.gas.days.gas_day import PARIS, paris_today, utc_text
from include.gas.documents.day_documents import Document
from include.gas.errors import (
    LOGIN_FAILED,
    OAUTH_OUTDATED,
    PERMISSIONS_CHANGED,
    USER_ACTION_NEEDED,
    VENDOR_DOWN,
    GasError,
)
from include.gas.meter_tag import meter_tag, without_numbers
from include.gas.rights.meter_rights import RENEWED_FROM, MeterAccess, Standing, has_withdrawn_consent

OF_RUNS = (VENDOR_DOWN, LOGIN_FAILED)
_CLEARED = ("state_message", "state_since", "state_partial")


def state_since(document: Mapping[str, Any]) -> str:
    """Return when the state was first noticed, UTC text; ``""`` if unknown."""
    return str(document.get("state_since") or "")


def with_state(
    document: Mapping[str, Any],
    state: str | None,
    message: str = "",
    since: datetime | str | None = None,
    *,
    partial: bool = False,
) -> Document:
    """Return the account document with a state, equal to the old one if the state has not changed.

    :param message: for a person, and logged: no secrets. Meter numbers in it become tags
    :param since: when it was noticed, aware; an unchanged state keeps its moment
    """
    changed = {key: value for key, value in document.items() if key not in _CLEARED}
    if state is None:
        return changed | ({"state": None} if changed.get("state") else {})
    moment = document.get("state_since")
    if since is not None and not (moment and document.get("state") == state):
        moment = utc_text(since)
    changed |= {"state": state, "state_message": without_numbers(message, str(document.get("_id")))}
    return changed | ({"state_partial": True} if partial else {}) | ({"state_since": moment} if moment else {})


def with_error(document: Document, error: GasError, *, since: datetime, partial: bool = False) -> Document:
    """Return the account document with the state that an error's class has, if any."""
    waits_for_person = str(document.get("state") or "").startswith(USER_ACTION_NEEDED)
    if not error.state or (error.state == VENDOR_DOWN and waits_for_person):
        return document  # a passing failure hides nothing that a person must do
    return with_state(document, error.state, str(error), since=since, partial=partial)


_MESSAGES: tuple[tuple[Standing, str, str], ...] = (
    (
        "waiting",
        USER_ACTION_NEEDED,
        "since {since:%-d %B %Y, %H:%M} (Paris time) GRDF waits for the contract's holder to let us read it. GRDF's "
        "e-mail leaves within a quarter of an hour; the holder should look into the spam folder, too. Nothing is read "
        "before the holder accepts; then a run starts by itself. If the e-mail cannot be found after two days, compare "
        "its address with the records of consent, and ask GRDF to send it again. If the address was wrong, ask GRDF to "
        "end this right, then connect the account again",
    ),
    (
        "checked",
        USER_ACTION_NEEDED,
        "GRDF checks its right anew, and nothing is read before it has. The household may have to answer GRDF",
    ),
    (
        "behind",
        USER_ACTION_NEEDED,
        "another account has it, whose consent stands or waits. Nothing is read before that ends, and then by itself; "
        "what is to be declared is declared then, if that is within 30 days. If its number is wrong, enter the right "
        "one. If it is the same household's, delete this account; anybody who may see the other one finds it in Gas "
        "accounts by the meter's number. If both are to be read, set [grdf] meter_in_several_accounts",
    ),
    (
        "narrow",
        PERMISSIONS_CHANGED,
        "its consent does not include the daily data. The household must consent again and tick them",
    ),
)
_NOTHING = None, "", False
_OVER: dict[Standing, str] = {
    "over": "the consent has ended",
    "refused": "its holder has refused the right",
    "none": "no consent of its own is known",
}
_WITHDRAWN = (
    "its consents were revoked at its request, and its data were kept. Nothing has to be done. If the household comes "
    "back, let it connect again under this account."
)
_PROOF_REFUSED = (
    "GRDF has refused the proof of the consent. It is read as long as GRDF allows it. Ask GRDF for the reason, put "
    "files of your own into the folder proofs/{account}/ of [grdf] staging_url and start grdf_send_proof with this "
    "account"
)


def state_by_rights(document: Mapping[str, Any], access: Sequence[MeterAccess]) -> tuple[str | None, str, bool]:
    """Return Cozy's word, what to do, and whether other meters are read. An ended meter beside others is history."""
    account = str(document.get("_id"))
    reads = any(each.word in ("active", "later") for each in access)
    if refusal := refusal_text(document):
        return USER_ACTION_NEEDED, refusal, reads
    for word, state, said in _MESSAGES:
        if concerned := [each for each in access if each.word == word]:
            return state, _about(account, concerned, said), reads
    if access and all(each.word in _OVER for each in access):
        # While a declaration is pending, there is nothing to do.
        return _NOTHING if has_personal_data(document) else (OAUTH_OUTDATED, _over(account, access), False)
    if refused := [each for each in access if REFUSED in {proof.state for proof in each.proofs.values()}]:
        return USER_ACTION_NEEDED, _about(account, refused, _PROOF_REFUSED), True
    return _NOTHING


def _over(account: str, access: Sequence[MeterAccess]) -> str:
    if has_withdrawn_consent(access):
        return f"Account {account}: {_WITHDRAWN}"
    what = "contract of ours" if any(each.role.is_own for each in access) else "consent"
    ends = [f"there has been no {what} since {each.day}" if each.day else _OVER[each.word] for each in access]
    said = "; ".join(f"meter {meter_tag(account, each.pce)}: {end}" for each, end in zip(access, ends, strict=True))
    step = "The household must consent again."
    if any(each.successor for each in access):
        step = (
            "But another consent for the meter is in force, which no account has. If it is this household's, as one "
            "that it gave after the backup of a restore, start grdf_consents with this account. If the household has "
            "moved out, there is nothing to do for it."
        )
    if all(each.role.is_own for each in access):
        step = "If there is a new contract, start grdf_adopt_rights with the file of buildings."
    return f"Account {account}: {said}. {step}"


def _about(account: str, access: Sequence[MeterAccess], said: str) -> str:
    meters = ", ".join(meter_tag(account, each.pce) for each in access)
    since = min((datetime.fromisoformat(each.since).astimezone(PARIS) for each in access if each.since), default=None)
    return f"Account {account}: meter {meters}: {said.format(account=account, since=since)}."


def settle_account(document: Mapping[str, Any], access: Sequence[MeterAccess], now: datetime) -> Document:
    """Return the account document with its meters and state, equal to the old one if nothing has changed."""
    if leaving_asker(document) is not None:
        return without_expired_person(dict(document), now)
    named, changed = has_personal_data(document), with_entry_time(with_meters(document, access), now)
    if is_refused(changed) or not any(_ends_near(each, now) for each in access):
        changed = without_expired_person(changed, now)
    if named and not has_personal_data(changed):
        is_taken = waits_for_meter(with_meters(document, access))
        why = "another account has its meter" if is_taken else "GRDF has given no right for it"
        step = "" if is_taken else "see that the account's DAG is not paused, "
        message = (
            f"Account {changed.get('_id')}: its declaration has waited for {REFUSED_KEPT.days} days and {why}, so the "
            f"household's name and address were removed. If it is still to be connected, {step}compare the meter's "
            "number, enter them again and start the DAG."
        )
        # It waited until now; the message names what has stopped since.
        partial, changed = any(each.is_open for each in access), with_state(changed, None)
        return with_state(changed, USER_ACTION_NEEDED, message, since=now, partial=partial)
    return with_rights_state(changed, access, now)


def with_rights_state(
    document: Mapping[str, Any], access: Sequence[MeterAccess], now: datetime, *, is_read: bool = False
) -> Document:
    """Return the account document with the state by its rights; ``is_read`` ends a run's own state."""
    word, message, partial = state_by_rights(document, access)
    if word is None:
        keeps = is_refused(document) or not (is_read or (access and document.get("state") not in OF_RUNS))
        return dict(document) if keeps else with_state(document, None)
    return with_state(document, word, message, since=now, partial=partial)


def _ends_near(access: MeterAccess, now: datetime) -> bool:
    """Return whether a right ends soon or has just ended, so that an early renewal waits for that."""
    if access.day is None or access.word not in ("active", "over"):
        return False
    today = paris_today(now)
    return access.day - today <= RENEWED_FROM and today - max(access.day, access.free or access.day) < REFUSED_KEPT
