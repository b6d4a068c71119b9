"""The table of causes: what can be wrong with the fleet, when it calls a person, and what to do.

An account is silent because GRDF gives no token, we do not read it, GRDF is late for all, or for this meter alone, in
this order (:mod:`include.gas.health.verdict`). One whose right is over is not silent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

RUNBOOK = "docs/runbook.md"
NEVER = 100
"""The percentage of causes that are reported but call no person: ordinary life."""
QUOTA_LEFT = 10
"""Percentage of a client's daily calls below which they are nearly spent."""


class Cause(StrEnum):
    """What is wrong with accounts, clients or the look itself; the gravest comes first."""

    percent: int | None
    """Percentage of accounts above which, if more than one, a person is called; ``None`` for any account."""
    ours: bool
    """Whether this installation must be mended, rather than GRDF or a household act."""
    _says: str
    _do: str

    def __new__(cls, word: str, percent: int | None, ours: bool, says: str, do: str) -> Self:
        """Make a row of the table."""
        self = str.__new__(cls, word)
        self._value_, self.percent, self.ours, self._says, self._do = word, percent, ours, says, do
        return self

    def describe(self, count: int, of: int, first: str) -> str:
        """Return a clause without names. ``first``: the first one's reason, used only where that names no account."""
        return self._says.format(count=count, of=of, first=first)

    @property
    def do(self) -> str:
        """What to do next, as a sentence."""
        where = "" if self.percent == NEVER else f" ({RUNBOOK}, {self.value.replace('_', ' ')})"
        return f"{self._do}{where}."

    UNSEEN = (
        "unseen", None, True,
        "the accounts could not be looked at: {first}",
        "See that CouchDB answers and the connection couchdb is right, then clear this task",
    )  # fmt: skip
    BROKEN = (
        "broken", None, True,
        "{count} part(s) of the watch have failed: {first}",
        "All others were looked at. It is a bug of this project: report it with this task's log",
    )  # fmt: skip
    LOST = (
        "lost", None, True,
        "{count} account(s) with rights are gone from CouchDB without a deletion",
        "See that the connection couchdb leads to the right server and prefix, and restore the accounts from a backup "
        "(docs/operations.md). Only if there is none, start grdf_adopt_rights, which makes them anew under their ids; "
        "if the household is to leave, start grdf_delete_account with its id",
    )  # fmt: skip
    DELETION = (
        "deletion", None, True,
        "{count} household(s) that have left are not gone",
        "See the runs of grdf_delete_account. If none is at work, start it for the account: one that stopped goes on",
    )  # fmt: skip
    LATE = (
        "late", None, False,
        "GRDF is late for everybody: {count} of {of} accounts are silent by now",
        "Nothing to do but to ask GRDF: each run asks for the two months before, too",
    )  # fmt: skip
    TOKEN = (
        "token", None, True,
        "{count} of {of} accounts are silent, because GRDF gives no token: {first}",
        "If it is refused, correct login and password of that connection; if there is no answer, ask GRDF. ./grdf "
        "doctor tries it",
    )  # fmt: skip
    UNREAD = (
        "unread", 2, True,
        "{count} of {of} accounts are silent, because we do not read them",
        "Do what is said behind each name: unpause the DAG, mend the import error, see the log of its last run",
    )  # fmt: skip
    ALONE = (  # meters are exchanged and houses emptied on any day
        "alone", 5, False,
        "{count} of {of} accounts are silent, each by itself",
        "See the log of the account's last extract, and ask GRDF. If it is to be so, say on the page Fleet that it is "
        "known",
    )  # fmt: skip
    DOWN = (
        "down", 5, False,
        "GRDF fails for {count} of {of} accounts",
        "Nothing to do at first: each run tries again. If it goes on, ask GRDF",
    )  # fmt: skip
    UNCHECKED = (
        "unchecked", None, False,
        "GRDF was not asked about the rights of {count} of {of} client(s)",
        "See why grdf_consents has not succeeded, and start it again",
    )  # fmt: skip
    QUOTA = (
        "quota", None, False,
        "{count} of {of} client(s) have few calls to GRDF left today, or cannot count them",
        "See what spends them (an import of the past, links of households), and [grdf] quota_url",
    )  # fmt: skip
    REFUSED = (
        "refused", 5, False,
        "a declaration, a proof or one of several meters of {count} of {of} accounts is refused",
        "Look at these accounts on the page: each says why and what to do",
    )  # fmt: skip
    CONNECT = (  # rights end, and a week later no action is asked for
        "connect", 20, False,
        "the consents of {count} of {of} accounts have ended, were refused, or cannot be used, within a week",
        "Write to these households: the page makes a new link for each. If many came at once, compare with GRDF's "
        "portal first",
    )  # fmt: skip
    FOLLOWED = (  # after a restore, or the next household's
        "followed", NEVER, False,
        "the consents of {count} account(s) are over, and another one on the same meter, which no account has, is in "
        "force",
        "Where it is the same household's, start grdf_consents with the account's id: do not ask that household to "
        "consent again. Where the household has moved out, there is nothing to do for its account",
    )  # fmt: skip
    WITHDRAWN = (
        "withdrawn", NEVER, False,
        "{count} household(s) have withdrawn their consent, and are not read any more",
        "Start grdf_delete_account for them, which revokes it at GRDF. Until then the household may come back",
    )  # fmt: skip
    UNCLAIMED = (
        "unclaimed", NEVER, False,
        "{count} right(s) in force at GRDF have no account",
        "Their holders consented and did not come back here. Start grdf_adopt_rights, which makes accounts for them: "
        "its dry run names them first",
    )  # fmt: skip
    PRICES = (
        "prices", NEVER, True,
        "the prices of gas are wrong, so that the former ones hold: {first}",
        "Correct them and start grdf_prices",
    )  # fmt: skip
    DAMAGED = (
        "damaged", NEVER, True,
        "{count} document(s) that are derived cannot be read, and count as absent: {first}",
        "Nothing to do: the next run of grdf_prices, grdf_consents or the account writes them anew. See what has "
        "changed them",
    )  # fmt: skip
    EXPORT = (
        "export", NEVER, True,
        "the last run has failed of {first}, so that what it writes is of an earlier day",
        "See the log of that run, mend what it says, and clear it: nothing is lost, as it goes on where it stopped",
    )  # fmt: skip
    DRIFT = (
        "drift", NEVER, True,
        "GRDF's answers have {count} thing(s) that this project does not know",
        "Nothing is lost: lines are used as far as they can be. Tell the project's maintainers",
    )  # fmt: skip
    UNANSWERED = (
        "unanswered", NEVER, False,
        "{count} declaration(s) have waited for an answer for more than two days",
        "Let the holder look for GRDF's e-mail, in the spam folder, too. If it cannot be found, do what the account's "
        "page says",
    )  # fmt: skip
    ENDING = (
        "ending", NEVER, False,
        "{count} right(s) end within 30 days, and none follows",
        "Ask these households to consent again before that day",
    )  # fmt: skip
    SHARED = (
        "shared", NEVER, False,
        "{count} accounts share a meter with another one",
        "If that is not meant, delete the account that should not have it",
    )  # fmt: skip
    PROOF = (
        "proof", NEVER, False,
        "GRDF waits for proofs of {count} consent(s), or checks them anew",
        "Start grdf_send_proof, which sends the records; ask the household whether GRDF has written to it",
    )  # fmt: skip
    SETTING = (
        "setting", None, True,
        "a setting is wrong: {first}",
        "Correct it for all parts of Airflow, then clear this task",
    )  # fmt: skip
