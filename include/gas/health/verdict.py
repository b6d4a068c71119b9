"""The verdict on the whole fleet: which causes cross their limit, and what a person reads about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from include.gas.answers.proof_state import REFUSED
from include.gas.days.gas_day import gas_day_start
from include.gas.display.overview import Situation
from include.gas.errors import VENDOR_DOWN
from include.gas.health.limits import LATE_DAYS, PERCENT, QUOTA_LEFT, SHARES, Cause
from include.gas.health.sights import NOTHING_SEEN, Sight
from include.gas.health.watched import NONE_DAYS, Watched
from include.gas.health.wording import DO, SAYS

UNCHECKED = timedelta(hours=36)
"""How long a morning's list of rights counts, as in ``include.gas.account.sections.rights.list_seen``."""


@dataclass(frozen=True, slots=True)
class Client:
    """One of our clients at GRDF.

    :param name: its Airflow connection
    :param left: calls that are left today; ``None`` if unknown
    :param calls: calls that GRDF allows in a day
    :param listed_at: when all its accounts were last compared with GRDF's list, UTC text; ``""`` if never
    :param problem: why nothing is known of its quota; ``""`` otherwise
    """

    name: str
    left: int | None = None
    calls: int = 0
    listed_at: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: how many are concerned, and whether that is too many.

    :param cause: what is wrong
    :param count: how many accounts, days or clients are concerned
    :param of: how many there are
    :param limit: the percentage that is allowed; ``None`` if none is
    :param red: whether a person is called
    :param named: the concerned accounts or clients, each with a reason; empty where there are none to name
    """

    cause: Cause
    count: int
    of: int
    limit: int | None
    red: bool
    named: tuple[tuple[str, str], ...] = ()

    @property
    def share(self) -> float:
        """The percentage that is concerned."""
        return 100 * self.count / self.of if self.of else 0.0

    @property
    def names_accounts(self) -> bool:
        """Whether those who are concerned are accounts."""
        return self.cause in SHARES

    @property
    def is_of_check(self) -> bool:
        """Whether the check itself has a problem, and so names nobody."""
        return self.cause in (Cause.UNSEEN, Cause.SETTING)

    def says(self) -> str:
        """Return what is wrong, as a clause that names nobody."""
        told = SAYS[self.cause].format(count=self.count, of=self.of)
        if self.is_of_check:
            return f"{told}: {'; '.join(what for what, _ in self.named)}"
        if self.limit is None:
            return told
        return f"{told} ({self.share:.1f} %, more than {self.limit} % call a person)"

    def line(self, most: int) -> str:
        """Return the line of the log: what is wrong, who is concerned, what to do.

        :param most: how many to name
        """
        names = "; ".join(f"{name} ({why})" if why else name for name, why in self.named[:most])
        if self.is_of_check or not most:
            names = ""
        more = len(self.named) - most
        tail = f" Concerned: {names}{f'; and {more} more' if more > 0 else ''}." if names else ""
        return f"{self.says()}.{tail} {DO[self.cause]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of health has found.

    :param accounts: how many accounts there are, without those that are leaving
    :param expected: of how many gas days are expected
    :param well: how many accounts have no cause against them
    :param findings: all causes that concern anybody, the gravest first
    """

    accounts: int
    expected: int
    well: int
    findings: tuple[Finding, ...] = field(default=())

    @property
    def red(self) -> tuple[Finding, ...]:
        """The causes for which a person is called."""
        return tuple(each for each in self.findings if each.red)

    def with_wrong_setting(self, what: str) -> Verdict:
        """Return the verdict with one more cause: a setting that is wrong.

        :param what: which one, and what to do
        """
        wrong = Finding(Cause.SETTING, 1, 1, None, True, ((what.rstrip(". "), ""),))
        return replace(self, findings=(*self.findings, wrong))

    def with_databases(self, incomplete: Iterable[tuple[str, str]], of: int) -> Verdict:
        """Return the verdict with one more cause: databases that are missing or have lost documents, if there are any.

        :param incomplete: their names, each with what is wrong with it
        :param of: how many databases there should be
        """
        named = tuple(incomplete)
        if not named:
            return self
        return replace(self, findings=(Finding(Cause.DATABASE, len(named), of, None, True, named), *self.findings))

    def message(self) -> str:
        """Return the text of the alert: the verdict, then each cause with what to do. It names no account."""
        lines = [self.headline(), ""]
        lines += [f"* {each.line(0 if each.names_accounts else 20)}" for each in self.red]
        return "\n".join([*lines, "", "The log of grdf_health, task check, names the accounts."])

    def headline(self) -> str:
        """Return the verdict in one sentence that names nobody."""
        if self.red:
            what = "; ".join(each.says() for each in self.red)
            return f"The fleet of {self.accounts} account(s) is not well: {what}."
        if not self.accounts:
            return "No account is connected yet, so there is nothing to watch. Nothing is wrong."
        told = f"{self.well} of {self.accounts} account(s) have nothing against them"
        return f"The fleet is well: {told}, and no limit is crossed."


def judge(
    fleet: Iterable[Watched],
    clients: Sequence[Client],
    now: datetime,
    sights: Mapping[str, Sight] = NOTHING_SEEN,
    percent: Mapping[Cause, int] = PERCENT,
) -> Verdict:
    """Judge the fleet.

    :param fleet: all accounts
    :param clients: our clients at GRDF
    :param now: an aware datetime, the present
    :param sights: what Airflow says of accounts, as far as it was seen
    :param percent: by cause, the percentage of accounts that may be concerned
    """
    named: dict[Cause, list[tuple[str, str]]] = {}
    accounts = expected = odd = none_days = well = 0
    oldest: dict[str, date] = {}
    for account in sorted(fleet, key=lambda each: each.id):
        if account.situation == Situation.LEAVING:
            continue
        accounts += 1
        expected += account.is_read
        odd += account.situation == Situation.ODD
        if account.since is not None:
            oldest[account.overview.client] = min(account.since, oldest.get(account.overview.client, account.since))
        none_days += account.none_days
        causes = dict(_causes(account, sights.get(account.id)))
        well += not causes
        for cause, why in causes.items():
            named.setdefault(cause, []).append((account.id, why))
    found = []
    for cause, names in named.items():
        # Those that cannot be understood are silent, too: nobody knows whether they should be read.
        of = {Cause.SILENT: expected + odd, Cause.LATE: expected}.get(cause, accounts)
        most = percent.get(cause, 0)
        found.append(Finding(cause, len(names), of, most, len(names) * 100 > most * of, tuple(names)))
    if none_days and (days := expected * NONE_DAYS.days):
        most = percent.get(Cause.NONE_DAYS, 0)
        found.append(Finding(Cause.NONE_DAYS, none_days, days, most, none_days * 100 > most * days))
    found += _of_clients(clients, oldest, now)
    order = list(Cause)
    return Verdict(accounts, expected, well, tuple(sorted(found, key=lambda each: order.index(each.cause))))


def failed(cause: Cause, why: str) -> Verdict:
    """Return the verdict where the fleet could not be judged at all.

    :param why: what kept us from it, as a clause that names nobody
    """
    return Verdict(0, 0, 0, (Finding(cause, 1, 1, None, True, ((why, ""),)),))


def _causes(account: Watched, sight: Sight | None) -> Iterable[tuple[Cause, str]]:
    seen = account.overview
    if account.situation == Situation.ODD:
        yield Cause.SILENT, "its document cannot be understood, so nothing reads it"
    elif account.situation in (Situation.CONNECT, Situation.PARTLY):
        yield Cause.CONNECT, f"since {seen.since[:10]}" if seen.since else ""
    elif account.situation == Situation.CORRECT:
        yield Cause.REFUSED, "GRDF has refused its declaration"
    if seen.proof == REFUSED:
        yield Cause.REFUSED, "GRDF has refused a proof of its consent"
    elif seen.state == VENDOR_DOWN and account.is_read:
        yield Cause.REFUSED, f"GRDF does not give its data{f', since {seen.since[:10]}' if seen.since else ''}"
    if account.braked:
        yield Cause.BRAKED, ""
    if account.lost_years:
        yield Cause.LOST_DAYS, f"of {', '.join(map(str, account.lost_years))}"
    if not account.is_read:
        return
    late = account.age is not None and account.age > LATE_DAYS
    if late:
        yield Cause.LATE, _lateness(account)
    if why := _silence(account, sight, late=late):
        yield Cause.SILENT, why


def _lateness(account: Watched) -> str:
    if account.lag is None or account.lag.last:
        return f"newest day {account.lag.last if account.lag else account.overview.last}"
    whose = " of one of its meters" if account.overview.last else ""
    return f"no day yet{whose}, connected {account.lag.start}"


def _silence(account: Watched, sight: Sight | None, *, late: bool) -> str:
    """Return why nothing shows that an account is read; ``""`` if something does, or if its document says why not."""
    if sight is not None and sight.problem and not (sight.of_runs and account.is_new and not sight.had_runs):
        return sight.problem
    if late and not account.overview.state:
        no_daily = account.lag is not None and account.lag.no_daily
        why = "GRDF notes its meter as one without daily data" if no_daily else "its document names no reason"
        return f"nothing new for {account.age} days, and {why}"
    if sight is not None and sight.had_runs and account.never_read:
        return "its runs succeed, but GRDF was never asked for it"
    return ""


def _of_clients(clients: Sequence[Client], oldest: Mapping[str, date], now: datetime) -> Iterable[Finding]:
    """Yield what is wrong with our clients.

    :param oldest: by client, since when the first of its accounts could have been read
    """
    spent, unchecked = [], []
    for client in clients:
        if client.problem:
            spent.append((client.name, client.problem))
        elif client.left is not None and client.left * 100 < QUOTA_LEFT * client.calls:
            spent.append((client.name, f"{client.left} of {client.calls} calls left"))
        since = oldest.get(client.name)
        if since is None or _fresh(client.listed_at, now):
            continue
        if client.listed_at:
            unchecked.append((client.name, f"last compared {client.listed_at[:16]} UTC"))
        elif now - gas_day_start(since) > UNCHECKED:
            unchecked.append((client.name, "never compared"))
    if spent:
        yield Finding(Cause.QUOTA, len(spent), len(clients), None, True, tuple(spent))
    if unchecked:
        yield Finding(Cause.UNCHECKED, len(unchecked), len(clients), None, True, tuple(unchecked))


def _fresh(moment: str, now: datetime) -> bool:
    try:
        told = datetime.fromisoformat(moment)
    except ValueError:
        return False
    return now - told <= UNCHECKED
