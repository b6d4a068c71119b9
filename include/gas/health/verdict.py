"""The verdict on the fleet: which causes cross their limit, and what a person reads of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain

from include.gas.answers.proof_state import REFUSED
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.display.account_summary import AccountSummary, Situation
from include.gas.errors import VENDOR_DOWN
from include.gas.health.causes import NEVER, QUOTA_LEFT, Cause
from include.gas.health.rights_concerns import Concern, NamedReason

Unread = Callable[[Sequence[AccountSummary]], Mapping[str, str]]
NamedBefore = Mapping[str, Collection[str]]
SILENT = (Cause.LATE, Cause.TOKEN, Cause.UNREAD, Cause.ALONE)
"""Why an account may be silent."""
NAMELESS = (Cause.UNSEEN, Cause.SETTING, Cause.DOWN, Cause.LATE, Cause.TOKEN)
"""What is about no account, or passes by itself."""
NO_ANSWER = "gets no answer"
"""The end of a reason for which GRDF, and not we, gives no token."""
NAMED = 20
"""How many accounts log and mail name for each cause, and the others by their reason."""
MOST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Client:
    """One of our clients at GRDF and its quota: calls ``left`` today, ``pause`` in seconds at GRDF's request."""

    name: str
    left: int | None = None
    calls: int = 0
    problem: str = ""
    used: int = 0
    history: int = 0
    pause: float = 0.0

    @property
    def is_short(self) -> bool:
        """Whether the day's calls are nearly spent, without those for imports of the past, which yield."""
        return self.left is not None and (self.left + self.history) * 100 < QUOTA_LEFT * self.calls


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause and what it concerns, out of how many."""

    cause: Cause
    of: int
    named: tuple[NamedReason, ...]

    @property
    def count(self) -> int:
        """How many are concerned."""
        return len(self.named)

    @property
    def red(self) -> bool:
        """Whether a person is called. One account is ordinary life, however small the fleet."""
        percent = self.cause.percent
        return percent is None or (percent < NEVER and self.count > 1 and self.count * 100 > percent * self.of)

    @property
    def share(self) -> float:
        """The percentage that is concerned."""
        return 100 * self.count / self.of if self.of else 0.0

    @property
    def subject(self) -> str:
        """The cause, or that accounts are silent, whatever causes it from day to day."""
        return "silent" if self.cause in SILENT else self.cause.value

    def describe(self) -> str:
        """Return what is wrong, as a clause without names."""
        what = self.cause.describe(self.count, self.of, self.named[0].why or self.named[0].name)
        is_share = self.red and self.cause.percent is not None
        return f"{what} ({self.share:.1f} %, more than {self.cause.percent} % call a person)" if is_share else what

    def newly_named(self, before: NamedBefore) -> tuple[NamedReason, ...]:
        """Return what it concerns and was not named before."""
        if self.cause in NAMELESS:
            return ()
        return tuple(each for each in self.named if each.name not in before.get(self.subject, ()))

    def report_line(self, new: Sequence[NamedReason]) -> str:
        """Return the line of log and mail: what is wrong, the new names, what to do."""
        says, named = self.describe(), f" New: {list_names(new)}." if new else ""
        return f"{says[:1].upper()}{says[1:]}.{named} {self.cause.do}"


def list_names(named: Sequence[NamedReason], most: int = NAMED) -> str:
    """Return some names with their reasons, and how many more there are of each reason."""
    names = [f"{each.name} ({each.why})" if each.why else each.name for each in named[:most]]
    reasons = Counter(each.why for each in named[most:])
    largest = [f"{number} more" + (f" ({why})" if why else "") for why, number in reasons.most_common(MOST_GROUPS)]
    others = len(named) - len(names) - sum(number for _, number in reasons.most_common(MOST_GROUPS))
    return "; ".join([*names, *largest, *([f"{others} others"] if others else [])])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the fleet has found, without accounts that are leaving or whose rights are long over."""

    accounts: int = 0
    well: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def red(self) -> tuple[Finding, ...]:
        """The causes for which a person is called."""
        return tuple(each for each in self.findings if each.red)

    def with_failure(self, cause: Cause, why: str) -> Verdict:
        """Return the verdict with one more cause, without names: a wrong setting, or why the look failed."""
        return replace(self, findings=(*self.findings, Finding(cause, 1, (NamedReason(why.rstrip(". ")),))))

    def lines_to_mail(self, before: NamedBefore) -> dict[Finding, tuple[NamedReason, ...]]:
        """Return the day's mail: what is red or newly concerns something, with the names."""
        new = {finding: finding.newly_named(before) for finding in self.findings}
        return {finding: named for finding, named in new.items() if named or finding.red}

    def names_after_mail(self, before: NamedBefore) -> dict[str, list[str]]:
        """Return the names as of a sent mail, which has those that did not fit by group; the recovered are forgotten.

        What was new in answers is never forgotten: some have it, and those of the next day do not.
        """
        found = defaultdict[str, list[str]](list, {Cause.DRIFT.value: [*before.get(Cause.DRIFT.value, ())]})
        for each in self.findings:
            known = {*before.get(each.subject, ()), *(new.name for new in each.newly_named(before))}
            found[each.subject] += [
                named.name for named in each.named if named.name in known and named.name not in found[each.subject]
            ]
        return dict(found)

    def headline(self) -> str:
        """Return the verdict in one sentence without names."""
        if self.red:
            what = "; ".join(each.describe() for each in self.red)
            return f"The fleet of {self.accounts} account(s) is not well: {what}."
        if not self.accounts:
            return "No account is connected yet, so there is nothing to watch. Nothing is wrong."
        well = f"{self.well} of {self.accounts} account(s) have nothing against them"
        return f"The fleet is well: {well}, and no limit is crossed."


def reach_verdict(
    fleet: Collection[AccountSummary],
    clients: Sequence[Client],
    now: datetime,
    rights: Iterable[Concern] = (),
    unread: Unread = lambda _: {},
    no_token: Callable[[str], str] = lambda _: "",
) -> Verdict:
    """Judge the fleet. ``no_token`` returns what a client gets instead of a token, as a verb, or ``""``."""
    today = paris_today(now)
    every = [(each, each.urgent_situation(today)) for each in sorted(fleet, key=lambda each: each.id)]
    pressing = [(each, what) for each, what in every if what not in (Situation.LEAVING, Situation.OVER)]
    present = [each for each, _ in pressing]
    expected = [each for each in present if each.is_read(today)]
    of = dict.fromkeys(Cause, len(present)) | dict.fromkeys((Cause.QUOTA, Cause.UNCHECKED), len(clients))
    of |= dict.fromkeys(SILENT, len(expected))
    named = defaultdict[Cause, list[NamedReason]](list)
    others = chain.from_iterable(_other_causes(each, what, today) for each, what in pressing)
    silent = _silent(expected, today, unread, no_token)
    renewed = {access.successor for account, what in pressing if what is Situation.CONNECT for access in account.access}
    for cause, each in chain(silent, others, _short(clients), rights, _drift(present)):
        if cause is not Cause.UNCLAIMED or each.name not in renewed:
            named[cause].append(each)
    concerned = {each.name for cause, names in named.items() if cause.percent != NEVER for each in names}
    well = sum(account.id not in concerned for account in present)
    found = [Finding(cause, of[cause], tuple(named[cause])) for cause in Cause if cause in named]
    return Verdict(len(present), well, tuple(found))


def _silent(
    expected: Sequence[AccountSummary], today: date, unread: Unread, no_token: Callable[[str], str]
) -> Iterator[Concern]:
    silent = [each for each in expected if each.silent_on(today)]
    # Where GRDF fails, it was asked.
    problems = dict(unread([each for each in silent if each.state != VENDOR_DOWN]))
    # An account that was read had a token: that GRDF gives none now is not the cause.
    tokens = _tokens(no_token, [each for each in silent if each.id in problems or each.state == VENDOR_DOWN])
    late = _late_for_all(expected, problems, today)
    is_of_several = len({account.client for account in expected}) > 1
    for account in silent:
        newest = _newest(account) + (f", client {account.client}" if is_of_several else "")
        if token := tokens.get(account.id):
            yield Cause.TOKEN, NamedReason(account.id, token)
        elif problem := problems.get(account.id, ""):
            yield Cause.UNREAD, NamedReason(account.id, f"{newest}, {problem}")
        else:
            yield Cause.LATE if account.client in late else Cause.ALONE, NamedReason(account.id, newest)


def _drift(present: Iterable[AccountSummary]) -> Iterator[Concern]:
    """Yield each new thing in GRDF's answers once."""
    accounts = Counter(each for account in present for each in {*chain(*(it.drift for it in account.days_of_meters))})
    for what, number in sorted(accounts.items()):
        yield Cause.DRIFT, NamedReason(what, f"{number} account(s)")


def _tokens(no_token: Callable[[str], str], unread: Sequence[AccountSummary]) -> dict[str, str]:
    problems = {client: no_token(client) for client in {each.client for each in unread}}
    return {each.id: f"{each.client} {problems[each.client]}" for each in unread if problems[each.client]}


def _newest(account: AccountSummary) -> str:
    fails = f", GRDF fails since {account.since[:10]}" if account.state == VENDOR_DOWN else ""
    return (f"newest day {account.last}" if account.last else "no day yet") + fails


def _late_for_all(expected: Collection[AccountSummary], unread: Collection[str], today: date) -> set[str]:
    """Return the clients with no new day for most accounts, if these are more than two."""
    # Newest days differ in age: some accounts are silent only tomorrow.
    soon = (each for each in expected if each.id not in unread and each.silent_on(today + ONE_DAY))
    every, without = Counter(each.client for each in expected), Counter(each.client for each in soon)
    return {client for client, number in without.items() if every[client] > 2 and number * 2 > every[client]}


def _other_causes(account: AccountSummary, situation: Situation | None, today: date) -> Iterator[Concern]:
    if situation is Situation.CONNECT and any(access.successor for access in account.access):
        yield Cause.FOLLOWED, NamedReason(account.id)
    elif situation and (found := _BY_SITUATION.get(situation)):
        yield found[0], NamedReason(account.id, found[1])
    if account.proof:
        yield (
            Cause.REFUSED if account.proof == REFUSED else Cause.PROOF,
            NamedReason(account.id, "a proof of its consent"),
        )
    if account.state == VENDOR_DOWN and account.is_read(today):
        yield Cause.DOWN, NamedReason(account.id)


_BY_SITUATION = {
    Situation.ODD: (Cause.UNREAD, "its document cannot be understood"),
    Situation.CONNECT: (Cause.CONNECT, ""),
    Situation.CORRECT: (Cause.REFUSED, "its declaration"),
    Situation.PARTLY: (Cause.REFUSED, "one of its meters"),
    Situation.CHECKED: (Cause.PROOF, "checked anew"),
}


def _short(clients: Sequence[Client]) -> Iterator[Concern]:
    for client in clients:
        if client.problem or client.is_short:
            yield Cause.QUOTA, NamedReason(client.name, client.problem or f"{client.left} of {client.calls} calls left")
