"""What happens to a meter's rights: the one place that decides whose a right is, and what it is worth.

================ ============================== ======================================================================
event            said by                        what it does
================ ============================== ======================================================================
assign_right     a checked ``id_token``, an     it is the account's; refused if another account has it, or has the
                 operator, an adoption          meter (unless meters are shared). What a token or the account's
                                                document names stays behind that one instead
add_declaration  us, before we declare          a right without an id waits for an answer; refused if another account
                                                has the meter or waits for it, and while another process may be
                                                declaring
set_right_id     GRDF, to the declaration       the asked right has its id, and waits
drop_declaration GRDF, to the declaration, or   the asked right goes. If GRDF has taken it all the same, its next
                 nobody: its answer did not     answer shows it, and the account brings it
                 arrive
apply_answer     GRDF's list, or its answer     states and dates of the rights it shows; a right nobody has brought is
                 about the meter                kept if it stands. Only GRDF's *answer about the meter* ends a right
                                                that it does not show, or shows as not in force, and says that a
                                                holder has answered. One that nobody has goes with its end, and one
                                                that was behind is in force with the end of the first. It has its
                                                place at that write, after all that are there
note_proof_sent  us, once GRDF has taken its    GRDF checks it
                 proof
end_right        us, if its household leaves    the right is over, today if not before; nobody is told to renew it
orphan_rights    us, if the account is gone     nobody has its rights; what it had asked for goes, and what is over
                 without that
remove_rights    us, once a deletion has        its rights go; who came after it, or is behind, gets none of its days
                 removed the account
================ ============================== ======================================================================

Each is a function of the document as it is at the write: whoever is second sees the first. Applied again, none changes
anything. An answer of GRDF that is older than the last change of a right does not change it. A state in words that we
do not know changes nothing, and is reported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from include.gas.answers.access_rights import GAS_USE_ROLES, WAITING, AccessRight
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
"""GRDF's states in plain words. Others change nothing, and are told."""

LATE = timedelta(days=2)
"""How late GRDF's answers may be: they lack a right that was brought or declared, or ask for a proof that was sent."""
LONGEST_CALL = timedelta(minutes=15)
"""How long a declaration may take, with its wait for GRDF's quota."""


class OwnedByAnother(Exception):
    """Another account has the right, or the meter."""


class DeclarationUnderWay(Exception):
    """Another process may be declaring the account's right at this moment."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who asks, and when.

    :param client: the Airflow connection of its client at GRDF
    :param shared: whether several accounts may have one meter
    """

    account: str
    client: str
    at: str
    today: date
    shared: bool = False


@dataclass(frozen=True, slots=True)
class RightsAnswer:
    """What GRDF says of a client's rights to a meter.

    :param client: the Airflow connection of the client
    :param rights: the lines about the meter
    :param at: when GRDF was asked, UTC text
    :param whole: whether GRDF was asked about this meter: only then it can end a right
    :param complete: whether all lines could be read, so that what is not shown is not there
    :param shared: whether several accounts may have one meter
    """

    client: str
    rights: Collection[AccessRight]
    at: str
    today: date
    whole: bool = False
    complete: bool = True
    shared: bool = False


def assign_right(meter: Meter, who: Claimant, right_id: str, way: Way, *, chosen: bool = False) -> Meter:
    """Give a right to the account that has brought it.

    Nothing is read under it before GRDF has shown it, and none while another account has the meter.

    :param right_id: GRDF's id
    :param chosen: whether it was chosen for the account, by GRDF's list or a person, and nothing of its own names it
    :raises Taken: if it is another account's, or is chosen while another one has the meter
    """
    known = next((right for right in meter.rights if right.id == right_id), None)
    if known is not None and known.account == who.account:
        return meter
    if known is not None and known.account:
        raise OwnedByAnother
    if chosen and not who.shared and meter.other_account(who.account, who.today):
        raise OwnedByAnother
    others = (right for right in meter.rights if right is not known)
    new = known or Right(client=who.client, id=right_id, way=way, state="active", since=who.at)
    since = new.since if way == "konnector" else who.at
    new = replace(new, account=who.account, way=way, since=since, was_active=False)
    return replace(meter, rights=(*others, new))


def add_declaration(meter: Meter, who: Claimant, wanted: Right) -> Meter:
    """Note that the account is about to declare a right, instead of an earlier declaration without an answer.

    :param wanted: the right as it is to be
    :raises Taken: if another account has the meter, or a right to it that waits
    :raises DeclarationUnderWay: if another process may be declaring it at this moment
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
    """Note the id that GRDF has given to a declared right. Its state is what GRDF shows next.

    If the account is gone meanwhile, nobody has the right, and that is told.
    """
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
    """Note what GRDF shows of a client's rights.

    What the list shows as worse than it was is a question (:func:`must_ask_grdf`) until GRDF has answered about the
    meter.
    """
    known = {right.id for right in meter.rights}
    lines = {line.id: line for line in answer.rights if line.role in ("", *GAS_USE_ROLES) and line.state in _STATES}
    rights = [_apply_line(right, lines.get(right.id), answer) for right in meter.rights]
    # One that may be the one that is being declared says nothing yet.
    if answer.whole or not any(right.state == "asked" for right in meter.rights):
        rights += [_unclaimed(line, answer) for line in lines.values() if line.is_live and line.id not in known]
    kept = tuple(right for right in rights if right.account or right.state in ("active", "waiting"))
    return _bring_into_force(replace(meter, rights=kept), answer)


def must_ask_grdf(meter: Meter, answer: RightsAnswer) -> bool:
    """Return whether GRDF must be asked about the meter: a right that goes on, or may, is not in the list as such."""
    shown = {line.id: _STATES.get(line.state) for line in answer.rights}
    return any(
        right.state in ("asked", "waiting", "active") and shown.get(right.id) not in ("active", right.state)
        for right in meter.rights
        if right.client == answer.client and (right.over_on is None or answer.today < right.over_on)
    )


def note_proof_sent(meter: Meter, right_id: str, at: str) -> Meter:
    """Note that GRDF has taken the proof of a right's consent.

    :param at: when it was sent, UTC text
    """
    known = next((right for right in meter.rights if right.id == right_id), None)
    if known is None:
        return meter
    until = known.proof.until if known.proof else None
    return _replace_right(meter, known, replace(known, proof=Proof(state=CHECKING, until=until, sent=at)))


def end_right(meter: Meter, right_id: str, today: date) -> Meter:
    """Note that a right is over, as its household has asked for."""
    rights = (
        replace(_end_right(right, today), revoked=True) if right.id == right_id else right for right in meter.rights
    )
    return replace(meter, rights=tuple(rights))


def orphan_rights(meter: Meter, account: str) -> Meter:
    """Note that an account is gone without a deletion, as after a restore: nobody has its rights that may stand."""
    rights = (right for right in meter.rights if right.account != account or right.state in ("active", "waiting"))
    return replace(
        meter, rights=tuple(replace(right, account="") if right.account == account else right for right in rights)
    )


def remove_rights(meter: Meter, account: str) -> Meter:
    """Remove the rights of an account that a deletion has removed. Who comes after it gets no more days."""
    others, until = list[Right](), date.min
    for right in meter.timeline:
        if right.account != account:
            others.append(replace(right, after=max(until, right.after or until)) if until > date.min else right)
        elif right.covered_days:
            until = max(until, right.covered_days.end)
    return replace(meter, rights=tuple(others))


def _apply_line(right: Right, line: AccessRight | None, answer: RightsAnswer) -> Right:
    if line is None:
        return _end_if_missing(right, answer)
    # What waits is looked for by whoever starts its account; what is active ends by an answer about the meter alone.
    settles = right.state == "waiting" or (right.state == "active" and _STATES[line.state] != "active")
    if answer.at < right.listed_at or (right.account and settles and not answer.whole):
        return right
    new = _with(right, line, answer)
    is_same = right.listed_at and replace(new, listed_at=right.listed_at) == right  # each morning's list writes nothing
    return right if is_same else new


def _end_if_missing(right: Right, answer: RightsAnswer) -> Right:
    """Return a right that GRDF does not show: it is over if GRDF was asked about it."""
    is_gone = answer.whole and answer.complete and right.id not in {line.id for line in answer.rights}
    stood = right.client == answer.client and right.id and right.state not in ("ended", "refused")
    # One that GRDF has never shown may not have reached its list yet.
    known_from = right.listed_at or utc_text(datetime.fromisoformat(right.since) + LATE)
    if not (is_gone and stood and known_from < answer.at):
        return right
    return replace(_end_right(right, answer.today), listed_at=answer.at)


def _bring_into_force(meter: Meter, answer: RightsAnswer) -> Meter:
    """Let rights come into force that GRDF shows so for the first time, unless another account has the meter.

    Each comes after all that are there, whenever GRDF was asked, and takes no day that another account has. One that
    its account had before the ledger knew it has the place of its age.
    """
    shown = {line.id for line in answer.rights if _STATES.get(line.state) == "active"}
    for right in meter.rights:
        is_new = right.account and right.state == "active" and not right.was_active
        if is_new and right.id in shown and answer.at >= right.listed_at:
            others = [each for each in meter.rights if each is not right]
            since = right.since if right.way == "konnector" else max(answer.at, *(each.since for each in meter.rights))
            if answer.shared or not meter.other_account(right.account, answer.today):
                meter = replace(meter, rights=(*others, replace(right, was_active=True, since=since)))
    return meter


def _unclaimed(line: AccessRight, answer: RightsAnswer) -> Right:
    way: Way = "client_connect" if line.made_on_site else "declared"
    right = Right(client=answer.client, id=line.id, way=way, state="waiting", since=line.created_at or answer.at)
    return _with(right, line, answer)


def _with(right: Right, line: AccessRight, answer: RightsAnswer) -> Right:
    state = _STATES[line.state]
    # One that its account had before the ledger knew it is as old as GRDF says.
    is_konnectors = right.way == "konnector"
    since = min(right.since, line.created_at or right.since) if is_konnectors else right.since
    was_active = right.was_active or (state == "ended" and is_konnectors)
    shown = replace(
        right, state=state, since=since, listed_at=answer.at, was_active=was_active,
        begins=line.first, calls_until=line.last, first=line.data_first, end=line.data_end,
        ended_on=None, revoked=right.revoked and state == "ended",
        daily=line.informative is not False, published=line.published is not False,
        proof=_shown_proof(right.proof, line, answer.at),
    )  # fmt: skip
    if state != "ended":
        return shown
    return replace(shown, ended_on=line.revoked or right.ended_on or min(answer.today, shown.over_on or answer.today))


def _shown_proof(old: Proof | None, line: AccessRight, at: str) -> Proof | None:
    """Return how far the check of a right's proof is once GRDF has shown the right; ``None`` if it checks nothing."""
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
