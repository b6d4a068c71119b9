"""The document of a meter: all rights to it that we know, and the days that each account may hold.

A day belongs to the account with the right that covers it. The first keeps its days to the end of its right, and the
next gets those after it, however far back its own right reaches. A right that was never in force for its account covers
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, get_args

import msgspec

from include.gas.answers.access_rights import Role
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.windows import ONE_DAY, Window

Way = Literal["client_connect", "declared", "adopted", "konnector"]
State = Literal["asked", "waiting", "active", "refused", "ended"]
RENEWED_FROM = timedelta(days=60)
"""Time before its end from which a right no longer makes a declaration needless. The warning comes at 30 days."""
_EVER = Window(date.min, date.max)


class Proof(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """GRDF's check of a right's proof (:mod:`include.gas.answers.proof_state`), and when we ``sent`` it, UTC text."""

    state: str
    until: date | None = None
    sent: str = ""

    @property
    def is_due(self) -> bool:
        """Whether GRDF waits for a proof that was not sent."""
        return self.state == ASKED and not self.sent

    @property
    def needs_person(self) -> bool:
        """Whether GRDF waits for a proof that was not sent, or has refused it."""
        return self.is_due or self.state == REFUSED


class Right(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One right to a meter; days without a bound are ``None``.

    :param id: GRDF's; ``""`` while GRDF has not answered our declaration
    :param account: ``""`` for an unclaimed right
    :param state: ``asked`` (declared, no answer known), ``waiting`` (for its holder or GRDF), ``active``, ``refused``
        by the holder, ``ended``
    :param since: UTC text, its place in the timeline: when GRDF first showed it in force for its account; before that
        when it was brought or declared, or made, if unclaimed
    :param listed_at: when GRDF was asked for the answer that last changed it, UTC text; ``""`` before any
    :param was_active: whether GRDF has shown it in force while no other account had the meter: only then it covers days
    :param begins: first civil day on which GRDF may be asked, ``calls_until`` the last
    :param first: first gas day that it covers, ``end`` the first one after
    :param ended_on: civil day on which it ended early, ``revoked`` by its household's wish
    :param lost_on: civil day on which its account was found gone without a deletion: it ends its days like ``ended_on``
        until the account is back, and for good if another one has had the meter since
    :param after: first gas day that is its account's, after a household that was deleted or as an operator says
    """

    client: str
    id: str = ""
    account: str = ""
    way: Way
    state: State
    since: str
    listed_at: str = ""
    was_active: bool = False
    begins: date | None = None
    calls_until: date | None = None
    first: date | None = None
    end: date | None = None
    ended_on: date | None = None
    revoked: bool = False
    lost_on: date | None = None
    after: date | None = None
    role: Role = Role.SUPPLY
    daily: bool = True
    published: bool = True
    proof: Proof | None = None

    @property
    def is_wide_enough(self) -> bool:
        """Whether it includes what is read under it: daily data, or the periods of an injection."""
        return self.published if self.role.is_injection else self.daily

    @property
    def replaceable_on(self) -> date | None:
        """The first day on which GRDF takes another right in its place; ``None`` for no end."""
        after = self.calls_until + ONE_DAY if self.calls_until and self.calls_until < date.max else None
        return min((day for day in (after, self.ended_on, self.lost_on) if day), default=None)

    @property
    def over_on(self) -> date | None:
        """The first day on which it is of no use; ``None`` for no end."""
        return min((day for day in (self.replaceable_on, self.end) if day), default=None)

    @property
    def covered_days(self) -> Window | None:
        """The gas days that it covers for its account; ``None`` if it was never in force, or none is left."""
        if not self.was_active:
            return None
        return _EVER.clip(max(self.first or date.min, self.after or date.min), self.over_on)

    def is_in_force(self, today: date) -> bool:
        """Return whether GRDF may be asked under it."""
        begun = self.begins is None or self.begins <= today
        return self.state == "active" and begun and (self.calls_until is None or today <= self.calls_until)

    def is_ongoing(self, today: date) -> bool:
        """Return whether it is or will be in force for days to come, also in a new check: it then holds the meter."""
        is_given = self.state == "active" or (self.state == "waiting" and self.was_active)
        return is_given and (self.over_on is None or today < self.over_on)


class Meter(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A meter and the timeline of the rights to it, the oldest first. ``rev`` is CouchDB's revision.

    :param free_from: the first gas day after those of the households that were deleted; ``None`` if there was none
    """

    pce: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")
    rights: tuple[Right, ...] = ()
    free_from: date | None = None

    def rights_of(self, account: str) -> tuple[Right, ...]:
        """Return an account's rights, the oldest first; the unclaimed ones for ``""``."""
        return tuple(right for right in self.rights if right.account == account)

    @property
    def timeline(self) -> list[Right]:
        """The rights in the order in which they take days; those that were never in force come last."""
        return sorted(self.rights, key=lambda right: (not right.was_active, right.since))

    def rights_of_others(self, account: str, today: date) -> list[Right]:
        """Return other accounts' rights beside which GRDF takes no new one."""
        held = [right for right in self.rights if right.account not in ("", account)]
        standing = [right for right in held if right.state in ("active", "waiting")]
        return [right for right in standing if right.replaceable_on is None or today < right.replaceable_on]

    def other_account(self, account: str, today: date) -> str:
        """Return another account with an ongoing right to the meter; ``""`` if there is none."""
        standing = [right for right in self.rights if right.account and right.is_ongoing(today)]
        first = min(standing, key=lambda right: not right.was_active, default=None)  # the oldest of equal ones
        return first.account if first and first.account != account else ""


def allowed_days(meter: Meter, account: str, *, shared: bool = False) -> tuple[Window, ...]:
    """Return the gas days of a meter that an account may hold, in order and without overlaps."""
    if shared:
        return _union(right.covered_days for right in meter.rights_of(account) if right.covered_days)
    own, others_until = list[Window](), date.min
    for right in meter.timeline:
        window = right.covered_days if right.account else None
        if window and right.account != account:
            others_until = max(others_until, window.end)
        elif window and (rest := window.clip(others_until)):
            own.append(rest)
    return _union(own)


def find_lasting_right(meter: Meter, account: str, wanted: Right, today: date) -> Right | None:
    """Return a right that makes a declaration needless: waiting or lasting, and wide enough; not one that ends soon."""
    last, end = wanted.calls_until or date.max, wanted.end or date.max
    for right in meter.rights_of(account):
        ends = right.over_on
        enough = ends is None or ends > min(today + RENEWED_FROM, last) or ends >= end
        stands = right.state == "waiting" or (right.is_ongoing(today) and enough)
        stands = stands and not right.role.is_injection
        if stands and right.daily >= wanted.daily and right.published >= wanted.published:
            return right
    return None


def find_successor(meter: Meter, today: date) -> Right | None:
    """Return the newest unclaimed right in force to a meter: the next household's, or one of a household that renewed.

    Rights of our own contracts are no consents of anybody.
    """
    consents = [right for right in meter.rights_of("") if right.is_in_force(today) and not right.role.is_own]
    return max(consents, key=lambda right: right.since, default=None)


def find_renewals(
    meters: Iterable[Meter], accounts: Collection[str], client: str, today: date
) -> dict[str, tuple[str, Right]]:
    """Return, by meter, the account whose right is over and the client's unclaimed right that may have followed it.

    A household that has asked for the end of its right has renewed nothing.
    """
    renewals = dict[str, tuple[str, Right]]()
    for meter in meters:
        successor = find_successor(meter, today)
        if successor is None or successor.client != client:
            continue
        former = [right for right in meter.timeline if right.was_active and right.account in accounts]
        if not former:
            continue
        last = former[-1]
        has_none = not any(right.is_ongoing(today) for right in meter.rights_of(last.account))
        if has_none and not last.revoked and not meter.other_account(last.account, today):
            renewals[meter.pce] = last.account, successor
    return renewals


def find_unclaimed_rights(meters: Iterable[Meter], today: date) -> list[Right]:
    """Return the rights in force that no account has, for example because the household never came back to the page.

    Those of our own contracts are left out unless they have been read: the operator chooses which are.
    """
    unclaimed = [right for meter in meters for right in meter.rights_of("")]
    wanted = [right for right in unclaimed if not right.role.is_own or right.way == "adopted"]
    return [right for right in wanted if right.is_in_force(today)]


Standing = Literal[
    "active", "later", "unseen", "waiting", "checked", "asked", "behind", "narrow", "over", "refused", "none",
]  # fmt: skip
"""How an account stands with a meter, the best first."""
_BEST_FIRST: tuple[Standing, ...] = get_args(Standing)
OVER: tuple[Standing, ...] = ("over", "refused", "none")
"""The standings of an account that has nothing of a meter any more, or not yet."""


class MeterAccess(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an account has of one meter, derived from the meter's document and copied into ``status``.

    :param word: the standing of its best right: ``later`` (begins on ``day``), ``unseen`` (not shown by GRDF yet),
        ``waiting`` or ``asked`` (for its holder or GRDF), ``checked`` (GRDF checks it anew), ``behind`` (another
        account has the meter until its right ends), ``narrow`` (without daily data), ``over`` (since ``day``)
    :param free: the day from which GRDF takes another right, if known
    :param since: when the newest right was brought, declared or made, UTC text
    :param right: GRDF's id of the newest right, ``own`` those of all
    :param revoked: whether the household asked for the end of the newest right
    :param successor: GRDF's id of an unclaimed right in force to the meter, while the account's own are over
    :param waits: whether one of its rights waits for an answer, maybe beside one in force
    :param is_open: whether GRDF may be asked now for some of its days, even if they are long over
    :param free_from: the day with which its days begin, because a household that had the meter was deleted then
    :param role: of the newest right in force, or else of the newest one; a supply comes first
    """

    pce: str
    word: Standing = "none"
    is_open: bool = False
    day: date | None = None
    free: date | None = None
    since: str = ""
    right: str = ""
    own: tuple[str, ...] = ()
    days: tuple[Window, ...] = ()
    free_from: date | None = None
    revoked: bool = False
    successor: str = ""
    waits: bool = False
    proofs: dict[str, Proof] = {}
    role: Role = Role.SUPPLY

    @property
    def is_open_daily(self) -> bool:
        """Whether GRDF may be asked for gas days."""
        return self.is_open and not self.role.is_injection

    @property
    def renews_on(self) -> date | None:
        """The day on which GRDF takes a right in place of the one in force."""
        return (self.free or self.day) if self.word == "active" else None

    @property
    def first_day(self) -> date | None:
        """First allowed day; ``None`` for no bound."""
        return self.days[0].first if self.days and self.days[0].first > date.min else None

    @property
    def end_day(self) -> date | None:
        """First day after the allowed ones; ``None`` for no bound."""
        return self.days[-1].end if self.days and self.days[-1].end < date.max else None

    def allowed_parts(self, window: Window) -> tuple[Window, ...]:
        """Return the allowed parts of a window, in order."""
        return tuple(part for each in self.days if (part := window.clip(each.first, each.end)))


def access_to_meter(
    meter: Meter, account: str, today: date, *, shared: bool = False, declares: bool = False, named: str = ""
) -> MeterAccess:
    """Return what an account has of a meter.

    :param shared: whether several accounts may have one meter
    :param declares: whether a right to it is to be declared for the account
    :param named: GRDF's id of the right that the account's document names, maybe another account's
    """
    rights, days = meter.rights_of(account), allowed_days(meter, account, shared=shared)
    word, day = _standing(meter, account, today, shared=shared, declares=declares, named=named)
    successor = find_successor(meter, today) if word in OVER else None
    newest = max(reversed(rights), key=lambda right: right.since, default=None)  # the later one of two of one day
    return MeterAccess(
        pce=meter.pce, word=word, day=day, free=max(filter(None, (right.replaceable_on for right in rights)),
        default=None),
        is_open=bool(days) and any(_may_be_used(right, today) for right in rights),
        since=newest.since if newest else "", right=newest.id if newest else "",
        own=tuple(filter(None, (right.id for right in rights))), days=days,
        free_from=meter.free_from if _are_cut_to(days, rights, meter.free_from) else None,
        successor=successor.id if successor else "",
        revoked=newest is not None and newest.revoked, role=_role(rights, today),
        waits=any(right.state == "waiting" for right in rights),
        proofs={right.id: right.proof for right in rights if right.proof and right.state != "ended"},
    )  # fmt: skip


def _may_be_used(right: Right, today: date) -> bool:
    return right.is_in_force(today) and bool(right.listed_at) and right.is_wide_enough


def _are_cut_to(days: Sequence[Window], rights: Iterable[Right], free_from: date | None) -> bool:
    """Return whether allowed days begin with the one from which the meter is free, and a right goes back further."""
    if free_from is None or not days or days[0].first != free_from:
        return False
    return any(right.was_active and (right.first is None or right.first < free_from) for right in rights)


def _role(rights: Sequence[Right], today: date) -> Role:
    ranked = sorted(rights, key=lambda right: (right.is_in_force(today), not right.role.is_injection, right.since))
    return ranked[-1].role if ranked else Role.SUPPLY


def has_withdrawn_consent(access: Iterable[MeterAccess]) -> bool:
    """Return whether a household ended its newest right and kept its data."""
    newest = max(access, key=lambda each: each.since, default=None)
    return newest is not None and newest.revoked


def _standing(
    meter: Meter, account: str, today: date, *, shared: bool, declares: bool, named: str
) -> tuple[Standing, date | None]:
    """Return the standing of an account's best right, and since or until when."""
    is_behind = not shared and bool(meter.other_account(account, today))
    words = [_word(right, today, is_behind=is_behind) for right in meter.rights_of(account)]
    best = min((word for word, _ in words), key=_BEST_FIRST.index, default=_BEST_FIRST[-1])
    waits_to_declare = declares and not shared and bool(meter.rights_of_others(account, today))
    if best in OVER and (waits_to_declare or _is_of_another(meter, account, named, today)):
        return "behind", None
    days = [day for word, day in words if word == best]
    known = [day for day in days if day]
    if best == "later":
        return best, min(known, default=None)
    return best, max(known) if known and len(known) == len(days) else None


def _is_of_another(meter: Meter, account: str, right_id: str, today: date) -> bool:
    """Return whether a right is another account's, for days to come."""
    return any(
        right.id == right_id and right.account not in ("", account) and right.is_ongoing(today)
        for right in meter.rights
    )


def _word(right: Right, today: date, *, is_behind: bool) -> tuple[Standing, date | None]:
    if right.state == "waiting" and right.was_active:
        return "checked", None
    if right.state in ("asked", "waiting", "refused"):
        return right.state, None
    if right.lost_on and is_behind:  # its account is back, and another one has had the meter since
        return "behind", None
    if not right.is_ongoing(today):
        return "over", right.over_on
    if not right.was_active:
        return ("behind" if is_behind else "unseen"), None
    if not right.is_wide_enough:
        return "narrow", None
    return ("active", right.over_on) if right.is_in_force(today) else ("later", right.begins)


def _union(windows: Iterable[Window]) -> tuple[Window, ...]:
    union: list[Window] = []
    for window in sorted(windows):
        if union and window.first <= union[-1].end:
            union[-1] = Window(union[-1].first, max(union[-1].end, window.end))
        else:
            union.append(window)
    return tuple(union)
