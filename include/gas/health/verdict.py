"""The verdict on the whole fleet: which causes cross their limit, and what a person reads about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from include.gas.answers.proof_state import REFUSED
from include.gas.days.gas_day import paris_today
from include.gas.display.overview import Overview, Situation
from include.gas.errors import VENDOR_DOWN
from include.gas.health.causes import NEVER, QUOTA_LEFT, Cause
from include.gas.health.rights_look import RightsLook
from include.gas.health.sights import NOTHING_SEEN, Sight

NO_RIGHTS = RightsLook()
Named = tuple[str, str]
"""The name of an account, a client or a database, and a reason."""


@dataclass(frozen=True, slots=True)
class Client:
    """One of our clients at GRDF, and how much of its quota is used.

    :param name: its Airflow connection
    :param left: calls that are left today; ``None`` if unknown
    :param calls: calls that GRDF allows in a day
    :param problem: why nothing is known of its quota; ``""`` otherwise
    :param used: calls that count at present
    :param history: those of them that imports of the past made
    :param pause: seconds for which nobody calls, because GRDF has asked for it
    """

    name: str
    left: int | None = None
    calls: int = 0
    problem: str = ""
    used: int = 0
    history: int = 0
    pause: float = 0.0

    @property
    def is_short(self) -> bool:
        """Whether its calls of the day are nearly spent, without those that imports of the past made, which yield."""
        return self.left is not None and (self.left + self.history) * 100 < QUOTA_LEFT * self.calls


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: how many are concerned, and whether that is too many.

    :param named: the concerned accounts or clients, each with a reason; empty where there are none to name
    """

    cause: Cause
    count: int
    of: int
    named: tuple[Named, ...] = ()

    @classmethod
    def about(cls, cause: Cause, named: Sequence[Named], of: int) -> Finding:
        """Return the finding that names somebody."""
        return cls(cause, len(named), of, tuple(named))

    @property
    def red(self) -> bool:
        """Whether a person is called."""
        if self.cause is Cause.CONNECT and self.count == 1:
            return False  # ordinary life, however small the fleet
        percent = self.cause.percent
        return percent is None or (percent < NEVER and self.count * 100 > percent * self.of)

    @property
    def share(self) -> float:
        """The percentage that is concerned."""
        return 100 * self.count / self.of if self.of else 0.0

    @property
    def _is_of_look(self) -> bool:
        """Whether the look itself has a problem, and so names nobody."""
        return self.cause in (Cause.UNSEEN, Cause.SETTING)

    def says(self) -> str:
        """Return what is wrong, as a clause that names nobody."""
        told = self.cause.says(self.count, self.of)
        if self._is_of_look:
            return f"{told}: {'; '.join(what for what, _ in self.named)}"
        if self.cause.percent in (None, NEVER):
            return told
        return f"{told} ({self.share:.1f} %, more than {self.cause.percent} % call a person)"

    def concerned(self, most: int) -> str:
        """Return the names of those who are concerned, each with the reason; ``""`` if there are none to name.

        :param most: how many to name
        """
        if self._is_of_look or not self.named or not most:
            return ""
        more = len(self.named) - most
        names = "; ".join(f"{name} ({why})" if why else name for name, why in self.named[:most])
        return names + (f"; and {more} more" if more > 0 else "")

    def line(self, most: int) -> str:
        """Return the line of the log: what is wrong, who is concerned, what to do.

        :param most: how many to name
        """
        names = self.concerned(most)
        return f"{self.says()}.{f' Concerned: {names}.' if names else ''} {self.cause.do}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the fleet has found.

    :param accounts: how many accounts there are, without those that are leaving or whose consents are over for long
    :param expected: of how many gas days are expected
    :param well: how many accounts have no cause against them
    :param findings: all causes that concern anybody, the gravest first
    """

    accounts: int = 0
    expected: int = 0
    well: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def red(self) -> tuple[Finding, ...]:
        """The causes for which a person is called."""
        return tuple(each for each in self.findings if each.red)

    def failed(self, cause: Cause, why: str) -> Verdict:
        """Return the verdict with one more cause: a setting that is wrong, or what kept us from looking.

        :param why: which and what to do, or a clause; it names nobody
        """
        return replace(self, findings=(*self.findings, Finding.about(cause, [(why.rstrip(". "), "")], 1)))

    def message(self, news: Iterable[Finding] = ()) -> str:
        """Return the text of the mail: the verdict, then each cause with what to do. It names no account.

        :param news: what calls nobody, and is to be told all the same
        """
        lines = [self.headline(), ""]
        lines += [f"* {each.line(0 if each.cause.percent is not None else 20)}" for each in (*self.red, *news)]
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
    fleet: Iterable[Overview],
    clients: Sequence[Client],
    now: datetime,
    sights: Mapping[str, Sight] = NOTHING_SEEN,
    databases: tuple[Sequence[Named], int] = ((), 0),
    rights: RightsLook = NO_RIGHTS,
) -> Verdict:
    """Judge the fleet.

    :param fleet: all accounts
    :param clients: our clients at GRDF
    :param now: an aware datetime, the present
    :param sights: what Airflow says of accounts, as far as it was seen
    :param databases: those that are missing or have lost documents, each with what is wrong, and how many there are
    :param rights: what the meters' documents say of all rights
    """
    today = paris_today(now)
    resting = (Situation.LEAVING, Situation.OVER)
    present = sorted((each for each in fleet if each.situation(today) not in resting), key=lambda each: each.id)
    expected = sum(each.is_read(today) for each in present)
    # Those that cannot be understood are silent, too: nobody knows whether they should be read.
    odd = sum(bool(each.odd) for each in present)
    of = dict.fromkeys(Cause, len(present)) | {Cause.SILENT: expected + odd, Cause.LATE: expected}
    of |= {Cause.DATABASE: databases[1], Cause.QUOTA: len(clients), Cause.UNCHECKED: len(clients)}
    named: dict[Cause, list[Named]] = {cause: [] for cause in Cause}
    named[Cause.DATABASE] += databases[0]
    named[Cause.QUOTA] += _short(clients)
    named[Cause.UNCHECKED] += _unchecked(clients, rights, now)
    for cause, names in _of_rights(rights).items():
        named[cause] += names
        of[cause] = rights.meters
    well = 0
    for account in present:
        causes = dict(_causes(account, today, sights.get(account.id)))
        well += not causes
        for cause, why in causes.items():
            named[cause].append((account.id, why))
    found = {cause: Finding.about(cause, names, of[cause]) for cause, names in named.items() if names}
    return Verdict(len(present), expected, well, tuple(found[cause] for cause in Cause if cause in found))


def _of_rights(rights: RightsLook) -> dict[Cause, list[Named]]:
    """Return what is told of all rights. One without an account is named by its client and its day."""
    return {
        Cause.UNCLAIMED: [(right.client, f"since {right.since[:10]}") for right in rights.unclaimed],
        Cause.UNANSWERED: [(right.account, f"since {right.since[:10]}") for right in rights.unanswered],
        Cause.ENDING: [(right.account, f"on {right.over_on}") for right in rights.ending],
        Cause.SHARED: [(", ".join(accounts), "") for accounts in rights.shared],
    }


def _causes(account: Overview, today: date, sight: Sight | None) -> Iterator[tuple[Cause, str]]:
    """Yield what is wrong with an account, each with the reason."""
    situation, since = account.situation(today), f"since {account.since[:10]}" if account.since else ""
    is_read, late = account.is_read(today), account.is_late(today)
    for true, cause, why in (
        (account.odd, Cause.SILENT, "its document cannot be understood, so nothing reads it"),
        (situation in (Situation.CONNECT, Situation.PARTLY), Cause.CONNECT, since),
        (situation == Situation.CORRECT, Cause.REFUSED, "GRDF has refused its declaration"),
        (
            is_read and account.state == VENDOR_DOWN,
            Cause.REFUSED,
            ", ".join(filter(None, ("GRDF does not give its data", since))),
        ),
        (account.proof == REFUSED, Cause.REFUSED, "GRDF has refused a proof of its consent"),
        (is_read and late, Cause.LATE, _lateness(account, today)),
    ):
        if true:
            yield cause, why
    if is_read and (why := _silence(account, today, sight or Sight())):
        yield Cause.SILENT, why


def _lateness(account: Overview, today: date) -> str:
    lag = account.lag(today)
    if lag is None or lag.last:
        return f"newest day {lag.last if lag else account.last}"
    return f"no day yet{' of one of its meters' if account.last else ''}, connected {lag.start}"


def _silence(account: Overview, today: date, sight: Sight) -> str:
    """Return why nothing shows that an account is read; ``""`` if something does, or if its document says why not."""
    lag = account.lag(today)
    if sight.problem and not (sight.of_runs and account.is_new(today) and not sight.had_runs):
        return sight.problem
    if lag and account.is_late(today) and not account.state:
        return f"nothing new for {account.age(today)} days, and its document names no reason"
    if sight.had_runs and account.never_read:
        return "its runs succeed, but GRDF was never asked for it"
    return ""


def _short(clients: Sequence[Client]) -> Iterator[Named]:
    for client in clients:
        if client.problem or client.is_short:
            yield client.name, client.problem or f"{client.left} of {client.calls} calls left"


def _unchecked(clients: Sequence[Client], rights: RightsLook, now: datetime) -> Iterator[Named]:
    for client in clients:
        asked = rights.unchecked(client.name, now)
        if asked is not None:
            yield client.name, f"last asked {asked[:16]} UTC" if asked else "never asked"
