"""What happens to a meter's rights: the events that decide to which account a right belongs and what it is worth.

================ ============================== ======================================================================
event            comes from                     effect
================ ============================== ======================================================================
assign_right     a checked ``id_token``, an     the right is the account's; refused if another account has it or the
                 operator, an adoption          meter (unless shared). One from a token or a document stays behind
add_declaration  us, before we declare          a right without an id waits for an answer; refused if another account
                                                has the meter or waits for it, or another process may be declaring
set_right_id     GRDF, to the declaration       the asked right has its id, and waits
drop_declaration GRDF's refusal, or no answer   the asked right goes; if GRDF took it, its next answer shows it
set_first_day    an operator                    the account gets no day before it
apply_answer     GRDF's list, or its answer     states and dates of the rights shown; unclaimed ones are kept while in
                 about the meter                force. Only an *answer about the meter* ends a right that is absent or
                                                not in force, or settles one that waits. A right in force for the
                                                first time takes its place after all others, and covers no day
                                                before the one from which the meter is free
note_proof_sent  us, once GRDF has the proof    GRDF checks it
end_right        us, as the household leaves    the right is over, today at the latest; no renewal is asked for
note_accounts    us, who look for accounts      the rights of one that is gone keep its name and hold nothing; those of
                                                one that is back are as before, unless another has had the meter since
remove_rights    us, after a deletion           its rights go; the meter is free from the day after theirs, also for
                                                accounts that come much later
================ ============================== ======================================================================

Each is a function of the document as it is at the write, and idempotent. An answer older than a right's last change
does not change it. A state in unknown words changes nothing, and is reported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from include.gas.answers.access_rights import WAITING, AccessRight, RightsList
from include.gas.answers.proof_state import CHECKING
from include.gas.days.gas_day import utc_text
from include.gas.rights.meter_rights import Meter, Proof, Right, State, Way

_STATES: dict[str, State] = {
    "active": "active",
    WAITING: "waiting",
    "to be checked again by GRDF": "waiting",
    "revoked": "ended",
    "obsolete": "ended",
    "refused": "refused",
}
KNOWN_STATES = _STATES.keys()
"""GRDF's states. Others change nothing, and are reported."""

LATE = timedelta(days=2)
"""How late GRDF's answers may be: they lack a new right, or ask for a proof that was sent."""
MIN_RIGHTS_TO_DOUBT = 3
"""Rights of a client that GRDF was asked about, of which it must show one to be believed."""
LONGEST_CALL = timedelta(minutes=15)
"""How long a declaration may take, with its wait for GRDF's quota."""


class OwnedByAnother(Exception):
    """Another account has the right, or the meter."""


class DeclarationUnderWay(Exception):
    """Another process may be declaring the account's right."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """The account that an event is about, its client's connection, the time, and whether meters may be shared."""

    account: str
    client: str
    at: str
    today: date
    shared: bool = False


@dataclass(frozen=True, slots=True)
class RightsAnswer:
    """GRDF's answer about a client's rights to a meter.

    :param whole: whether GRDF was asked about this meter: only then it can end a right
    :param complete: whether all lines could be read, so that an absent right is not there
    """

    client: str
    rights: Collection[AccessRight]
    at: str
    today: date
    whole: bool = False
    complete: bool = True
    shared: bool = False


def assign_right(meter: Meter, who: Claimant, right_id: str, way: Way, *, chosen: bool = False) -> Meter:
    """Give a right to the account that has brought it. GRDF must show it in force before anything is read.

    :param chosen: whether an operator or GRDF's list chose it, and nothing in the account names it
    :raises OwnedByAnother: if it is another account's, or is chosen while another one has the meter
    """
    known = next((right for right in meter.rights if right.id == right_id), None)
    is_lost = known is not None and known.lost_on is not None
    if known is not None and known.account == who.account and not is_lost:
        return meter
    if known is not None and known.account not in ("", who.account) and not is_lost:
        raise OwnedByAnother
    if chosen and not who.shared and meter.other_account(who.account, who.today):
        raise OwnedByAnother
    others = (right for right in meter.rights if right is not known)
    if known is not None and known.account == who.account:  # of an account that was lost, and is made anew
        return note_accounts(meter, (), who.today)
    new = known or Right(client=who.client, id=right_id, way=way, state="active", since=who.at)
    since = new.since if way == "konnector" else who.at
    new = replace(new, account=who.account, way=way, since=since, was_active=False, lost_on=None)
    return replace(meter, rights=(*others, new))


def set_first_day(meter: Meter, account: str, first: date | None) -> Meter:
    """Note from which gas day on an account may have days of a meter."""
    return replace(
        meter,
        rights=tuple(replace(each, after=first) if each.account == account else each for each in meter.rights),
    )


def add_declaration(meter: Meter, who: Claimant, wanted: Right) -> Meter:
    """Note that the account is about to declare a right, in place of an earlier one without an answer.

    :raises OwnedByAnother: if another account has the meter, or a right to it that waits
    :raises DeclarationUnderWay: if another process may be declaring it
    """
    if not who.shared and meter.rights_of_others(who.account, who.today):
        raise OwnedByAnother
    mine = _open_declaration(meter, who.account)
    new = replace(wanted, client=who.client, account=who.account, since=who.at)
    if mine is None:
        return replace(meter, rights=(*meter.rights, new))
    if mine.since == who.at:
        return meter
    if mine.since > utc_text(datetime.fromisoformat(who.at) - LONGEST_CALL):
        raise DeclarationUnderWay
    return _replace_right(meter, mine, new)


def set_right_id(meter: Meter, who: Claimant, right_id: str) -> Meter:
    """Note GRDF's id of a declared right. If the account is gone meanwhile, the right is unclaimed."""
    mine, shown = (
        _open_declaration(meter, who.account),
        next((right for right in meter.rights if right.id == right_id), None),
    )
    if mine is None:
        if shown is not None:
            return meter
        new = Right(client=who.client, id=right_id, way="declared", state="waiting", since=who.at)
        return replace(meter, rights=(*meter.rights, new))
    if shown is None:
        return _replace_right(meter, mine, replace(mine, id=right_id, state="waiting"))
    others = tuple(right for right in meter.rights if right is not mine)
    if shown.account:
        return replace(meter, rights=others)
    return _replace_right(replace(meter, rights=others), shown, replace(shown, account=who.account, way="declared"))


def drop_declaration(meter: Meter, account: str) -> Meter:
    """Forget a declaration that GRDF has refused, or not answered."""
    return replace(
        meter, rights=tuple(right for right in meter.rights if right is not _open_declaration(meter, account))
    )


def apply_answer(meter: Meter, answer: RightsAnswer) -> Meter:
    """Note what GRDF shows of a client's rights."""
    known = {right.id for right in meter.rights}
    lines = {line.id: line for line in answer.rights if line.role and line.state in _STATES}
    rights = [_apply_line(right, lines.get(right.id), answer) for right in meter.rights]
    # A right that may be the one being declared proves nothing yet.
    if answer.whole or not any(right.state == "asked" for right in meter.rights):
        rights += [_new_right(meter, line, answer) for line in lines.values() if line.is_live and line.id not in known]
    kept = tuple(right for right in rights if right.account or right.state in ("active", "waiting"))
    ever_in_force = {right.id for right in meter.rights if right.was_active}
    return _with_days_from_free_day(_bring_into_force(replace(meter, rights=kept), answer), ever_in_force)


def must_ask_grdf(meter: Meter, answer: RightsAnswer) -> bool:
    """Return whether to ask GRDF about the meter, because the list does not show an ongoing right as such."""
    shown = {line.id: _STATES.get(line.state) for line in answer.rights}
    return any(
        right.state in ("asked", "waiting", "active") and shown.get(right.id) not in ("active", right.state)
        for right in meter.rights
        if right.client == answer.client and (right.over_on is None or answer.today < right.over_on)
    )


def note_proof_sent(meter: Meter, right_id: str, at: str) -> Meter:
    """Note that GRDF has the proof of a right, sent ``at`` (UTC text)."""
    known = next((right for right in meter.rights if right.id == right_id), None)
    if known is None:
        return meter
    until = known.proof.until if known.proof else None
    return _replace_right(meter, known, replace(known, proof=Proof(state=CHECKING, until=until, sent=at)))


def end_right(meter: Meter, right_id: str, today: date) -> Meter:
    """Note that a right is over at its household's wish."""
    rights = (
        replace(_end_right(right, today), revoked=True) if right.id == right_id else right for right in meter.rights
    )
    return replace(meter, rights=tuple(rights))


def note_accounts(meter: Meter, gone: Collection[str], today: date) -> Meter:
    """Note which rights are of accounts that are ``gone`` without a deletion, and which are of one that is back.

    They keep the account's name, so that nobody forgets whose they are.
    """
    rights = list[Right]()
    for right in meter.rights:
        if right.account in gone:
            rights.append(replace(right, lost_on=right.lost_on or today))
        elif right.lost_on and not _had_another_account(meter, right.account, right.lost_on):
            rights.append(replace(right, lost_on=None))
        else:
            rights.append(right)
    return replace(meter, rights=tuple(rights))


def _had_another_account(meter: Meter, account: str, since: date) -> bool:
    """Return whether another account has had the meter since a day, be it one that was deleted."""
    others = [right for right in meter.rights if right.account not in ("", account) and right.was_active]
    came = any(right.since >= str(since) for right in others)
    return came or (meter.free_from is not None and meter.free_from > since)


def is_of_another_client(meters: Collection[Meter], client: str, shown: RightsList) -> bool:
    """Return whether an answer of GRDF's shows none of a client's rights, as if it were about another client's.

    One or two rights may really be gone. Those that ended count, too: GRDF goes on showing them.
    """
    known = {right.id for meter in meters for right in meter.rights if right.client == client and right.id}
    is_whole = not shown.odd
    return is_whole and len(known) >= MIN_RIGHTS_TO_DOUBT and not known & {right.id for right in shown.rights}


def remove_rights(meter: Meter, account: str, today: date, *, shared: bool = False) -> Meter:
    """Remove the rights of a deleted account, and note from which gas day on the meter is free.

    Who had the meter before keeps its days; who has it after begins with that day at the earliest. A building's days
    are the city's own, and nobody's to be protected from.

    :param today: in Paris; a right that GRDF has not ended covers no day from then on
    :param shared: whether several accounts may have the meter: those that do keep all their days
    """
    others = list[Right]()
    own_until: date | None = None
    for right in meter.timeline:
        if right.account == account:
            if right.covered_days and not right.role.is_own:
                until = min(right.covered_days.end, today)
                own_until = max(own_until or until, until)
        elif own_until is None or (shared and right.was_active):
            others.append(right)
        else:  # it came later; those that were never in force come last, so they are cut, too
            others.append(_with_days_from(right, own_until))
    if own_until is None:
        return replace(meter, rights=tuple(others))
    return replace(meter, rights=tuple(others), free_from=max(own_until, meter.free_from or own_until))


def _apply_line(right: Right, line: AccessRight | None, answer: RightsAnswer) -> Right:
    if line is None:
        return _end_if_missing(right, answer)
    # A right that waits is settled by the run of its account; an active one ends only by an answer about the meter.
    settles = right.state == "waiting" or (right.state == "active" and _STATES[line.state] != "active")
    if answer.at < right.listed_at or (right.account and settles and not answer.whole):
        return right
    new = _with(right, line, answer)
    # So that each morning's list writes nothing.
    is_same = right.listed_at and replace(new, listed_at=right.listed_at) == right
    return right if is_same else new


def _end_if_missing(right: Right, answer: RightsAnswer) -> Right:
    is_gone = answer.whole and answer.complete and right.id not in {line.id for line in answer.rights}
    stood = right.client == answer.client and right.id and right.state not in ("ended", "refused")
    # One that GRDF has never shown may not have reached its list yet.
    known_from = right.listed_at or utc_text(datetime.fromisoformat(right.since) + LATE)
    if not (is_gone and stood and known_from < answer.at):
        return right
    return replace(_end_right(right, answer.today), listed_at=answer.at)


def _bring_into_force(meter: Meter, answer: RightsAnswer) -> Meter:
    """Bring rights into force that GRDF shows so for the first time, unless another account has the meter."""
    shown = {line.id for line in answer.rights if _STATES.get(line.state) == "active"}
    for right in meter.rights:
        is_new = right.account and right.state == "active" and not right.was_active and not right.lost_on
        if is_new and right.id in shown and answer.at >= right.listed_at:
            others = [each for each in meter.rights if each is not right]
            since = right.since if right.way == "konnector" else max(answer.at, *(each.since for each in meter.rights))
            if answer.shared or not meter.other_account(right.account, answer.today):
                meter = replace(meter, rights=(*others, replace(right, was_active=True, since=since)))
    return meter


def _with_days_from_free_day(meter: Meter, ever_in_force: Collection[str]) -> Meter:
    """Cut the rights that have just come into force to the days from which the meter is free.

    Each right comes through here when it begins to cover days, whichever way its account came, and however late.

    :param ever_in_force: GRDF's ids of those that were in force before
    """
    if meter.free_from is None:
        return meter
    rights = list[Right]()
    for right in meter.rights:
        has_just_begun = right.was_active and right.id not in ever_in_force
        rights.append(_with_days_from(right, meter.free_from) if has_just_begun else right)
    return replace(meter, rights=tuple(rights))


def _with_days_from(right: Right, first: date) -> Right:
    return replace(right, after=max(first, right.after or first))


def _new_right(meter: Meter, line: AccessRight, answer: RightsAnswer) -> Right:
    """Return a right that GRDF shows for the first time: unclaimed, or of a building whose contract is a new one."""
    way: Way = "client_connect" if line.made_on_site else "declared"
    right = Right(client=answer.client, id=line.id, way=way, state="waiting", since=line.created_at or answer.at)
    former = next((each for each in reversed(meter.rights) if each.account and each.role.is_own), None)
    if former and line.role and line.role.is_own:
        right = replace(right, account=former.account, way="adopted", state="active", after=former.after)
    return _with(right, line, answer)


def _with(right: Right, line: AccessRight, answer: RightsAnswer) -> Right:
    state = _STATES[line.state]
    # A right older than the ledger is as old as GRDF says.
    is_konnectors = right.way == "konnector"
    since = min(right.since, line.created_at or right.since) if is_konnectors else right.since
    was_active = right.was_active or (state == "ended" and is_konnectors)
    shown = replace(
        right, state=state, since=since, listed_at=answer.at, was_active=was_active,
        begins=line.first, calls_until=line.last, first=line.data_first, end=line.data_end,
        ended_on=None, revoked=right.revoked and state == "ended",
        role=line.role or right.role, daily=line.informative is not False, published=line.published is not False,
        proof=_shown_proof(right.proof, line, answer.at),
    )  # fmt: skip
    if state != "ended":
        return shown
    return replace(shown, ended_on=line.revoked or right.ended_on or min(answer.today, shown.over_on or answer.today))


def _shown_proof(old: Proof | None, line: AccessRight, at: str) -> Proof | None:
    if old is not None and old.sent >= at:
        return old
    if not (line.proof and line.is_live):
        return None
    late = utc_text(datetime.fromisoformat(at) - LATE)
    return Proof(state=line.proof, until=line.proof_until, sent=old.sent if old and old.sent > late else "")


def _end_right(right: Right, today: date) -> Right:
    return replace(right, state="ended", ended_on=right.ended_on or min(today, right.over_on or today))


def _open_declaration(meter: Meter, account: str) -> Right | None:
    return next((right for right in meter.rights_of(account) if right.state == "asked"), None)


def _replace_right(meter: Meter, old: Right, new: Right) -> Meter:
    return replace(meter, rights=tuple(new if right is old else right for right in meter.rights))
