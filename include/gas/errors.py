"""The one exception tree, sorted by what to do about it.

``RetryLater`` goes away by itself; ``FailNow`` needs a person. Each class carries the word that Cozy's account page
knows (``state``), or None when the household can do nothing about it. ``refusals.py`` maps GRDF's answers to the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from include.gas.meter_tag import without_numbers

if TYPE_CHECKING:
    from include.gas.days.windows import Window

LOGIN_FAILED = "LOGIN_FAILED"
USER_ACTION_NEEDED = "USER_ACTION_NEEDED"
OAUTH_OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS_CHANGED = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
VENDOR_DOWN = "VENDOR_DOWN"


class GasError(Exception):
    """Anything that keeps gas data from arriving; its text names the account, the cause and the next step.

    :param message: the whole text, free of secrets: it is logged. ``about`` builds one of the usual shape. What looks
        like a meter's number in it, as GRDF's own words may hold one, is replaced by the meter's tag.
    :param account: id of the account it happened to; None when it is nobody's in particular.
    """

    state: ClassVar[str | None] = None
    default_step: ClassVar[str] = "Look at the task's log."
    cause: str = ""
    """What happened, without the account and the next step; only where :meth:`about` built the text."""

    def __init__(self, message: str, *, account: str | None = None) -> None:
        """Keep the account beside the text."""
        super().__init__(without_numbers(message, account))
        self.account = account

    @classmethod
    def about(cls, account: str | None, cause: str, next_step: str | None = None, **more: Any) -> Self:
        """Build the error from its parts.

        :param account: account id, or None when all accounts are concerned.
        :param cause: what happened, a clause without secrets.
        :param next_step: what to do next, a sentence; None takes the usual one of this class.
        :param more: further arguments of the class, for example ``retry_after``.
        """
        error = cls(describe_for(account, cause, next_step or cls.default_step), account=account, **more)
        error.cause = cause
        return error


def describe_for(account: str | None, cause: str, next_step: str) -> str:
    """Build a message of the one shape that all our errors share.

    :param account: account id, or None when all accounts are concerned.
    :param cause: what happened.
    :param next_step: what a person or the next run should do.
    """
    whom = f"Account {account}: " if account else ""
    return f"{whom}{cause.rstrip('. ')}. {next_step}"


class RetryLater(GasError):
    """Nothing is wrong on our side or the household's: try again later.

    :param retry_after: how long the other side asked us to wait, in seconds; None when it did not say.
    """

    state: ClassVar[str | None] = VENDOR_DOWN
    default_step = "Nothing to do: it is tried again automatically."

    def __init__(self, message: str, *, account: str | None = None, retry_after: float | None = None) -> None:
        """Keep how long to wait beside the text."""
        super().__init__(message, account=account)
        self.retry_after = retry_after


class ServiceUnavailable(RetryLater):
    """The server failed (5xx), could not be reached, took too long, or sent an unreadable answer."""


class RefusalDoubted(RetryLater):
    """GRDF refuses the data of a meter although its own list calls the consent active: apparently a fault of GRDF's."""

    default_step = (
        "Nothing to do: GRDF is asked again within some hours, then by each day's run. If this continues, tell GRDF."
    )


class StoreBusy(RetryLater):
    """The documents kept changing while we wrote them: somebody else writes the same ones."""

    state = None


class QuotaExceeded(RetryLater):
    """Too many calls (HTTP 429). GRDF allows 1 call a second and 6,000 a day, all accounts together."""

    state = None
    default_step = (
        "Nothing to do: it is tried again automatically, more slowly. If this continues, lower `calls_per_second`."
    )


class QuotaWait(QuotaExceeded):
    """GRDF was not called, since by our own count it is not our turn yet. ``retry_after`` says how long to wait."""

    default_step = "Nothing to do: it continues automatically."


class LinkCallsSpent(QuotaWait):
    """The day's calls for households' links are made; others may still call."""


class PartialAnswer(RetryLater):
    """GRDF failed on part of the answer (code 2000100); what did come is good.

    :param windows: the days to ask again.
    """

    state = None

    def __init__(
        self,
        message: str,
        *,
        account: str | None = None,
        retry_after: float | None = None,
        windows: Sequence[Window] = (),
    ) -> None:
        """Keep what to ask again beside the text."""
        super().__init__(message, account=account, retry_after=retry_after)
        self.windows = tuple(windows)


class FailNow(GasError):
    """Trying again is pointless until a person acts."""


class ConsentLost(FailNow):
    """The household's consent ended: revoked, expired, moved out, never given."""

    state: ClassVar[str | None] = OAUTH_OUTDATED
    default_step = "The household must give its consent again on GRDF's site, from its account page."


class NotInForce(ConsentLost):
    """By GRDF's list, none of the rights that an account brought for a meter is in force: GRDF was not asked for data.

    It would give them all the same if somebody else has consented on that meter. The account says so already.
    """

    state = None


class ConsentTooNarrow(FailNow):
    """The consent is there but leaves out what we need."""

    state = PERMISSIONS_CHANGED
    default_step = "The household must consent again and tick the daily (informative) consumption data."


class GrantRefused(FailNow):
    """The authorization code was used before or is too old, or there is none: only a new consent gives another."""

    state = OAUTH_OUTDATED
    default_step = (
        "The household must connect again from its account page; a code is valid for a few minutes and works once."
    )


class MeterTaken(FailNow):
    """The household's meter is another account's, and that one's consent is in force.

    The text does not name the other account, which not everybody may see who sees this one.

    :param holder: that account's id.
    """

    state = OAUTH_OUTDATED
    default_step = "Find out which of the two accounts is the household's, and delete the other."

    def __init__(self, message: str, *, account: str | None = None, holder: str = "") -> None:
        """Keep beside the text whose the meter is."""
        super().__init__(message, account=account)
        self.holder = holder


class CredentialsRefused(FailNow):
    """GRDF refuses our own client id, secret or contract: the same for every account."""

    default_step = (
        "Compare login and password of the Airflow connection with those that GRDF sent, then clear the task."
    )


class IdTokenRefused(FailNow):
    """An id_token failed its check. The account is left as it was.

    :param expired: whether it is genuine and too old, so that nothing can make it good again.
    """

    default_step = (
        "Nothing was changed. If it happens again after a new consent, check the id_token settings of the connection."
    )

    def __init__(self, message: str, *, account: str | None = None, expired: bool = False) -> None:
        """Keep beside the text whether there is any use in keeping it."""
        super().__init__(message, account=account)
        self.expired = expired


class AccountLeaving(FailNow):
    """The household's deletion is under way: nothing is read or stored for it any more."""

    default_step = "Nothing to do: its DAG disappears by itself. See the DAG grdf_delete_account."


class BadAccount(FailNow):
    """An account document that cannot be understood."""

    default_step = "Correct or remove the account's document in io-cozy-accounts."


class BadSettings(FailNow):
    """A setting of ours is missing or wrong."""

    default_step = "Correct the Airflow connection or the [grdf] settings."


class BadRequest(FailNow):
    """GRDF rejected our request as invalid: a bug in this program or a mistake in what it was asked for."""

    default_step = "Check the dates and the meter that were asked for; if they are right, report it as a bug."


class UnknownRefusal(FailNow):
    """GRDF refused with a code and a message that nobody has met yet."""

    default_step = "Look the code up in GRDF's error list and add it to include/gas/answers/refusals.py."
