"""The project's exceptions, grouped by what to do about them.

``RetryLater`` goes away by itself; ``FailNow`` needs a person. ``state`` is the word that Cozy's account page knows,
or ``None`` when the household can do nothing. ``answers/refusals.py`` maps GRDF's answers to these classes.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

from include.gas.meter_tag import without_numbers

LOGIN_FAILED = "LOGIN_FAILED"
USER_ACTION_NEEDED = "USER_ACTION_NEEDED"
OAUTH_OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS_CHANGED = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
VENDOR_DOWN = "VENDOR_DOWN"

ODD_DOCUMENT: Final = (AttributeError, KeyError, TypeError, ValueError, OverflowError)
"""The errors that a document with a field of an unexpected shape causes: others write into our databases, too. They
concern that document, or at most its account."""


def describe_oddity(error: BaseException) -> str:
    """Return what a person reads of an error of :data:`ODD_DOCUMENT`, or the error's own text if it is one of ours.

    Python's text may quote a field, and with it what somebody used, and says nothing of what to do.
    """
    if isinstance(error, GasError):
        return str(error)
    return (
        f"it, or a document of its meters, has a field of another shape than docs/documents.md says "
        f"({type(error).__name__}). Compare them, and correct what another program has written."
    )


class GasError(Exception):
    """The base of all errors that keep gas data from arriving.

    The text names the account, the cause and the next step.

    :param message: the whole text, without secrets, since it is logged. :meth:`about` builds one in the usual form.
        GRDF's own words may contain a meter's number: it is replaced by the meter's tag
    :param account: id of the account concerned; ``None`` when the error is about no account in particular
    """

    state: ClassVar[str | None] = None
    default_step: ClassVar[str] = "Look at the task's log."
    cause: str = ""
    """The cause without the account and the next step. Empty unless :meth:`about` built the text."""

    def __init__(self, message: str, *, account: str | None = None, **more: Any) -> None:
        """Create the error, with values for attributes of its class."""
        super().__init__(without_numbers(message, account))
        self.account = account
        vars(self).update(more)

    @classmethod
    def about(cls, account: str | None, cause: str, next_step: str | None = None, **more: Any) -> Self:
        """Build the error from its parts.

        :param account: account id, or ``None`` when all accounts are concerned
        :param cause: what happened, as a clause without secrets
        :param next_step: what to do next, as a sentence; ``None`` uses the default of this class
        :param more: further arguments of the class, for example ``retry_after``
        """
        error = cls(format_message(account, cause, next_step or cls.default_step), account=account, **more)
        error.cause = without_numbers(cause, account)
        return error


def format_message(account: str | None, cause: str, next_step: str) -> str:
    """Build a message in the form that all our errors share.

    :param account: account id, or ``None`` when all accounts are concerned
    :param cause: what happened, as a clause
    :param next_step: what a person or the next run should do, as a sentence
    """
    whom = f"Account {account}: " if account else ""
    return f"{whom}{cause.rstrip('. ')}. {next_step}"


class RetryLater(GasError):
    """Nothing is wrong on our side or the household's: try again later.

    :param retry_after: seconds that the server asked us to wait; ``None`` when it did not say
    """

    state: ClassVar[str | None] = VENDOR_DOWN
    default_step = "Nothing to do: it is tried again automatically."
    retry_after: float | None = None


class ServiceUnavailable(RetryLater):
    """The server failed (5xx), could not be reached, took too long, or sent an unreadable answer."""


class RefusalDoubted(RetryLater):
    """GRDF refuses a meter's data although its own list shows an active consent: apparently an error at GRDF."""

    default_step = (
        "Nothing to do: GRDF is asked again within some hours, then by each day's run. If this continues, tell GRDF."
    )


class StoreBusy(RetryLater):
    """A store is busy: others write the same documents, or the count of calls or a disk does not answer."""

    state = None


class QuotaExceeded(RetryLater):
    """Too many calls (HTTP 429). GRDF allows 1 call per second and 6,000 per day for all accounts together."""

    state = None
    default_step = (
        "Nothing to do: it is tried again automatically, more slowly. If this continues, lower `calls_per_second`."
    )


class QuotaWait(QuotaExceeded):
    """GRDF was not called, because our own count says it is not our turn yet. ``retry_after`` is the time to wait."""

    default_step = "Nothing to do: it continues automatically."


class PartialAnswer(RetryLater):
    """GRDF failed on part of the answer (code 2000100). The rest of the answer is good."""

    state = None


class FailNow(GasError):
    """A person must act: trying again before that is pointless."""


class RightLost(FailNow):
    """The household's consent is not valid: it was revoked, expired or never given, or the household moved out."""

    state: ClassVar[str | None] = OAUTH_OUTDATED
    default_step = "The household must give its consent again on GRDF's site, from its account page."


class RightNotInForce(RightLost):
    """According to GRDF's list, none of the account's own rights to a meter is in force.

    GRDF was not asked for data: it would send them if somebody else had given a consent for the same meter. The account
    document already says that the consent is lost, so there is no ``state`` to set.
    """

    state = None


class RightTooNarrow(FailNow):
    """The consent is valid but does not include the data we need."""

    state = PERMISSIONS_CHANGED
    default_step = "The household must consent again and tick the daily (informative) consumption data."


class GrantRefused(FailNow):
    """The authorization code is missing, too old or already used. Only a new consent provides another one."""

    state = OAUTH_OUTDATED
    default_step = (
        "The household must connect again from its account page; a code is valid for a few minutes and works once."
    )


class MeterTaken(FailNow):
    """The household's meter belongs to another account, whose consent stands or waits.

    The text does not name the other account, because people who may see this account may not be allowed to see that
    one.
    """

    state = OAUTH_OUTDATED


class CredentialsRefused(FailNow):
    """GRDF refuses our own client id, secret or contract. This concerns every account."""

    default_step = (
        "Compare login and password of the Airflow connection with those that GRDF sent, then clear the task."
    )


class IdTokenRefused(FailNow):
    """An id_token failed its check. The account is unchanged.

    :param unusable: whether the token is too old or is none, so that it can never be accepted
    """

    default_step = (
        "Nothing was changed. If it happens again after a new consent, check the id_token settings of the connection."
    )
    unusable: bool = False


class AccountLeaving(FailNow):
    """The household is being deleted: nothing is read or stored for it any more."""

    default_step = "Nothing to do: its DAG disappears by itself. See the DAG grdf_delete_account."


class BadAccount(FailNow):
    """An account document that cannot be understood."""

    default_step = "Correct or remove the account's document in io-cozy-accounts."


class ClientUnknown(BadAccount):
    """An account belongs to a client at GRDF that this installation does not use. No other one is asked instead."""

    default_step = (
        "GRDF was not asked with another client. Add the connection to [grdf] connections, the same for all parts of "
        "Airflow."
    )


class BadSettings(FailNow):
    """One of our settings is missing or wrong."""

    default_step = "Correct the Airflow connection or the [grdf] settings."


class BadRequest(FailNow):
    """GRDF rejected our request as invalid: this program has a bug, or a person asked for something wrong."""

    default_step = "Check the dates and the meter that were asked for; if they are right, report it as a bug."


class RightExists(BadRequest):
    """GRDF already has a right of ours to the meter that was declared."""

    default_step = "See GRDF's list of rights, which says for whom it was declared."


class DeclarationRefused(FailNow):
    """A right cannot be declared for a household: what it gave is incomplete, or not as GRDF knows it.

    :param reason: GRDF's code, or the name of the first field that is wrong; :data:`EXISTS` if GRDF has a right that
        this account has not declared; :data:`ANOTHER` if another household was connected under the account
    """

    state = USER_ACTION_NEEDED
    default_step = "Ask the household, then correct it in the account's form: Connect again, on its page."
    EXISTS: ClassVar[str] = "exists"
    ANOTHER: ClassVar[str] = "another"
    reason: str = ""


class HouseholdHasLeft(DeclarationRefused):
    """An account whose household has left exists again, so nothing is declared or read for it."""

    default_step = "Start grdf_delete_account for it again. A household that has come back connects as a new account."


class ProofNotSent(FailNow):
    """The proof of a consent cannot be sent: there is none, a file is not what GRDF takes, or GRDF did not take it."""

    default_step = (
        "Put up to three files of your own (PDF, PNG or JPEG, at most 4 MB each) into the account's folder of proofs/ "
        "on the staging store, then start grdf_send_proof with this account."
    )


class RefusalUnexplained(DeclarationRefused):
    """GRDF refused a declaration for a reason that we do not know, so it may even have taken it."""


class UnknownRefusal(FailNow):
    """GRDF refused with a code and a message that we do not know."""

    default_step = "Look the code up in GRDF's error list and add it to include/gas/answers/refusals.py."


OF_CLIENT: Final = (QuotaWait, CredentialsRefused, BadSettings)
"""Errors that concern one of our clients at GRDF, and all that is asked with it."""
