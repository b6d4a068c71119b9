"""The document of a meter: all our rights to it that we know, whose they are, and which days each account may hold.

A day belongs to the account whose right covers it. People move, so a meter has one timeline. Whoever came first keeps
the days up to the end of its right; who comes next gets the days from then on, however far back the new right reaches:
its right stays behind until the first one's has ended. A right that was never in force for its account covers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, get_args

import msgspec

from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.windows import ONE_DAY, Window

Way = Literal["client_connect", "declared", "adopted", "konnector"]
State = Literal["asked", "waiting", "active", "refused", "ended"]
RENEWED_FROM = timedelta(days=60)
"""How long before its end a right is no answer to a declaration any more. People are warned 30 days before."""
_EVER = Window(date.min, date.max)


class Proof(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far GRDF's check of the proof of one right is.

    :param state: as in :mod:`include.gas.answers.proof_state`
    :param until: last day to send the proof; ``None`` if GRDF does not say
    :param sent: when we sent it, UTC text; ``""`` if we have not within the last days
    """

    state: str
    until: date | None = None
    sent: str = ""

    @property
    def is_due(self) -> bool:
        """Whether GRDF waits for it and we have not sent it."""
        return self.state == ASKED and not self.sent

    @property
    def needs_person(self) -> bool:
        """Whether GRDF waits for it and we have not sent it, or has refused it."""
        return self.is_due or self.state == REFUSED


class Right(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One right to a meter.

    :param client: the Airflow connection of the client at GRDF that has it
    :param id: GRDF's id; ``""`` while GRDF has not answered our declaration
    :param account: the account that it belongs to; ``""`` if GRDF lists it and no account has brought it
    :param way: how it came to be
    :param state: ``asked`` (declared, no answer known), ``waiting`` (its holder or GRDF has to confirm it),
        ``active``, ``refused`` by the holder, ``ended``
    :param since: when its account had it: when it was brought or declared, and then when GRDF first showed it in force
        for it, which is its place in the timeline; when it was made if the ledger learnt of it later, or no account has
        it, UTC text
    :param listed_at: when GRDF was asked for the answer that last changed something of it, UTC text; ``""`` before any
    :param was_active: whether GRDF has shown it in force while no other account had the meter: only then it covers days
    :param begins: first civil day on which GRDF may be asked; ``None`` for no bound
    :param calls_until: last civil day on which GRDF may be asked; ``None`` for no bound
    :param first: first gas day that it covers; ``None`` for no bound
    :param end: first gas day after those that it covers; ``None`` for no bound
    :param ended_on: civil day on which it ended before its time
    :param revoked: whether its household has asked for its end: we have revoked it, or it was over by then
    :param after: first gas day that is not of a household that had the meter before, and has left since
    :param daily: whether it includes daily data
    :param published: whether it includes billing periods
    :param proof: how far GRDF's check of its consent's proof is; ``None`` if GRDF checks nothing
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
    after: date | None = None
    daily: bool = True
    published: bool = True
    proof: Proof | None = None

    @property
    def replaceable_on(self) -> date | None:
        """The first day on which GRDF may not be asked under it, and takes another one; ``None`` for no end."""
        after = self.calls_until + ONE_DAY if self.calls_until and self.calls_until < date.max else None
        return min((day for day in (after, self.ended_on) if day), default=None)

    @property
    def over_on(self) -> date | None:
        """The first day on which it is of no more use; ``None`` for no end."""
        return min((day for day in (self.replaceable_on, self.end) if day), default=None)

    @property
    def covered_days(self) -> Window | None:
        """The gas days that it covers; ``None`` for none."""
        return _EVER.clip(self.first, self.over_on) if self.was_active else None

    def is_in_force(self, today: date) -> bool:
        """Return whether GRDF may be asked under it."""
        begun = self.begins is None or self.begins <= today
        return self.state == "active" and begun and (self.calls_until is None or today <= self.calls_until)

    def is_ongoing(self, today: date) -> bool:
        """Return whether it is in force or will be, and covers days to come; also while GRDF checks it anew.

        Whose a meter is goes by it, and whether a household has to consent again.
        """
        is_given = self.state == "active" or (self.state == "waiting" and self.was_active)
        return is_given and (self.over_on is None or today < self.over_on)


class Meter(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A meter, and the timeline of the rights to it.

    :param pce: its number, which is the document's id
    :param rev: CouchDB's revision
    :param rights: the oldest first
    """

    pce: str = msgspec.field(name="_id")
    rev: str = msgspec.field(name="_rev", default="")
    rights: tuple[Right, ...] = ()

    def rights_of(self, account: str) -> tuple[Right, ...]:
        """Return an account's rights, the oldest first; with ``""`` those that no account has."""
        return tuple(right for right in self.rights if right.account == account)

    @property
    def timeline(self) -> list[Right]:
        """The rights in the order in which they take days: those that were never in force come last."""
        return sorted(self.rights, key=lambda right: (not right.was_active, right.since))

    def rights_of_others(self, account: str, today: date) -> list[Right]:
        """Return the rights of other accounts beside which GRDF takes no other one."""
        held = [right for right in self.rights if right.account not in ("", account)]
        standing = [right for right in held if right.state in ("active", "waiting")]
        return [right for right in standing if right.replaceable_on is None or today < right.replaceable_on]

    def other_account(self, account: str, today: date) -> str:
        """Return another account that has the meter, by a right that goes on; ``""`` if there is none."""
        standing = [right for right in self.rights if right.account and right.is_ongoing(today)]
        first = min(standing, key=lambda right: not right.was_active, default=None)  # of equal ones the oldest
        return first.account if first and first.account != account else ""


def allowed_days(meter: Meter, account: str, *, shared: bool = False) -> tuple[Window, ...]:
    """Return the gas days of a meter that an account may hold, in order and without overlaps.

    :param shared: whether several accounts may have one meter (``[grdf] meter_in_several_accounts``)
    """
    if shared:
        return _union(right.covered_days for right in meter.rights_of(account) if right.covered_days)
    own, others_until = list[Window](), date.min
    for right in meter.timeline:
        window = right.covered_days if right.account else None
        if window and right.account != account:
            others_until = max(others_until, window.end)
        elif window and (rest := window.clip(max(others_until, right.after or others_until))):
            own.append(rest)
    return _union(own)


def find_lasting_right(meter: Meter, account: str, wanted: Right, today: date) -> Right | None:
    """Return the right that makes a declaration needless: it waits, or lasts, and includes what is to be declared.

    One that ends soon, and before what is asked, is none: its household renews early.
    """
    last, end = wanted.calls_until or date.max, wanted.end or date.max
    for right in meter.rights_of(account):
        ends = right.over_on
        enough = ends is None or ends > min(today + RENEWED_FROM, last) or ends >= end
        stands = right.state == "waiting" or (right.is_ongoing(today) and enough)
        if stands and right.daily >= wanted.daily and right.published >= wanted.published:
            return right
    return None


def find_unclaimed_rights(meters: Iterable[Meter], today: date) -> list[Right]:
    """Return the rights in force that no account has: a person consented on GRDF's site and never came back."""
    return [right for meter in meters for right in meter.rights_of("") if right.is_in_force(today)]


Standing = Literal[
    "active", "later", "unseen", "waiting", "checked", "asked", "behind", "narrow", "over", "refused", "none",
]  # fmt: skip
"""How an account stands with a meter, the best first."""
_BEST_FIRST: tuple[Standing, ...] = get_args(Standing)


class MeterAccess(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an account has of one meter, worked out from the meter's document; the account's ``status`` has a copy.

    :param word: how it stands, by the best of its rights: ``active``; ``later`` (begins on ``day``); ``unseen``
        (brought, and not shown by GRDF yet); ``waiting`` or ``asked`` (its holder or GRDF has to answer); ``checked``
        (GRDF checks it anew); ``behind`` (another account has the meter until its right ends); ``narrow`` (without
        daily data); ``refused``; ``over`` (since ``day``); ``none``. It is ``behind``, too, if its declaration waits
    :param day: the day on which that begins or ends; ``None`` if none is known
    :param free: the day from which on GRDF takes another right, if that is known
    :param since: when the newest right was brought, declared or made, UTC text
    :param right: GRDF's id of the newest right; ``""`` if none is known
    :param own: GRDF's ids of all its rights
    :param days: the gas days that it may hold, in order and without overlaps
    :param revoked: whether its household has asked for the end of the newest right
    :param waits: whether one of its rights waits for somebody, maybe beside one in force that it renews
    :param is_open: whether GRDF may be asked now for days of its own, be they long over and another account's turn
    :param proofs: how far GRDF's checks of proofs are, by its id of the right
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
    revoked: bool = False
    waits: bool = False
    proofs: dict[str, Proof] = {}

    @property
    def renews_on(self) -> date | None:
        """The day on which GRDF takes another right instead of the one in force; ``None`` if that is not to come."""
        return (self.free or self.day) if self.word == "active" else None

    @property
    def first_day(self) -> date | None:
        """First gas day that it may hold; ``None`` for no bound."""
        return self.days[0].first if self.days and self.days[0].first > date.min else None

    @property
    def end_day(self) -> date | None:
        """First gas day after those that it may hold; ``None`` for no bound."""
        return self.days[-1].end if self.days and self.days[-1].end < date.max else None

    def allowed_parts(self, window: Window) -> tuple[Window, ...]:
        """Return the parts of a window that it may hold, in order."""
        return tuple(part for each in self.days if (part := window.clip(each.first, each.end)))


def access_to_meter(
    meter: Meter, account: str, today: date, *, shared: bool = False, declares: bool = False
) -> MeterAccess:
    """Return what an account has of a meter.

    :param shared: as for :func:`allowed_days`
    :param declares: whether a right to it is to be declared for the account
    """
    rights, days = meter.rights_of(account), allowed_days(meter, account, shared=shared)
    word, day = _standing(meter, account, today, shared=shared, declares=declares)
    newest = max(reversed(rights), key=lambda right: right.since, default=None)  # of two of one day, the later one
    return MeterAccess(
        pce=meter.pce, word=word, day=day, free=max(filter(None, (right.replaceable_on for right in rights)),
        default=None),
        is_open=bool(days) and any(right.is_in_force(today) and right.listed_at and right.daily for right in rights),
        since=newest.since if newest else "", right=newest.id if newest else "",
        own=tuple(filter(None, (right.id for right in rights))), days=days,
        revoked=newest is not None and newest.revoked,
        waits=any(right.state == "waiting" for right in rights),
        proofs={right.id: right.proof for right in rights if right.proof and right.state != "ended"},
    )  # fmt: skip


def has_withdrawn_consent(access: Iterable[MeterAccess]) -> bool:
    """Return whether a household has asked for the end of its newest right, and its data were kept."""
    newest = max(access, key=lambda each: each.since, default=None)
    return newest is not None and newest.revoked


def _standing(meter: Meter, account: str, today: date, *, shared: bool, declares: bool) -> tuple[Standing, date | None]:
    """Return how an account stands by the best of its rights, and since or until when."""
    is_behind = not shared and bool(meter.other_account(account, today))
    words = [_word(right, today, is_behind=is_behind) for right in meter.rights_of(account)]
    best = min((word for word, _ in words), key=_BEST_FIRST.index, default=_BEST_FIRST[-1])
    if declares and not shared and best in ("over", "refused", "none") and meter.rights_of_others(account, today):
        return "behind", None
    days = [day for word, day in words if word == best]
    known = [day for day in days if day]
    if best == "later":
        return best, min(known, default=None)
    return best, max(known) if known and len(known) == len(days) else None


def _word(right: Right, today: date, *, is_behind: bool) -> tuple[Standing, date | None]:
    if right.state == "waiting" and right.was_active:
        return "checked", None
    if right.state in ("asked", "waiting", "refused"):
        return right.state, None
    if not right.is_ongoing(today):
        return "over", right.over_on
    if not right.was_active:
        return ("behind" if is_behind else "unseen"), None
    if not right.daily:
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
