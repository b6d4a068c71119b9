"""Exceptions by what to do. ``state`` is Cozy's word, or ``None`` where the household can do nothing."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

from include.gas.meter_tag import without_numbers

LOGIN_FAILED = "LOGIN_FAILED"
USER_ACTION_NEEDED = "USER_ACTION_NEEDED"
OAUTH_OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
PERMISSIONS_CHANGED = "USER_ACTION_NEEDED.PERMISSIONS_CHANGED"
VENDOR_DOWN = "VENDOR_DOWN"


class GasError(Exception):
    """The base of all errors that keep gas data from arriving. ``account`` is ``None`` if it concerns several.

    :param message: account, cause and next step, without secrets: it is logged. Meter numbers in it become tags
    """

    state: ClassVar[str | None] = None
    default_step: ClassVar[str] = "Look at the task's log."
    cause: str = ""
    """The cause alone; empty unless :meth:`about` built the text."""

    def __init__(self, message: str, *, account: str | None = None, **more: Any) -> None:
        super().__init__(without_numbers(message, account))
        self.account = account
        vars(self).update(more)

    @classmethod
    def about(cls, account: str | None, cause: str, next_step: str | None = None, **more: Any) -> Self:
        """Build the error from a clause without secrets and a sentence (by default, the class's), and attributes."""
        error = cls(format_message(account, cause, next_step or cls.default_step), account=account, **more)
        error.cause = without_numbers(cause, account)
        return error


def format_message(account: str | None, cause: str, next_step: str) -> str:
    """Return a message in the form that all our errors share."""
    whom = f"Account {account}: " if account else ""
    return f"{whom}{cause.rstrip('. ')}. {next_step}"


class RetryLater(GasError):
    """Try again later, after ``retry_after`` seconds if the server named them."""

    state: ClassVar[str | None] = VENDOR_DOWN
    default_step = "Nothing to do: it is tried again automatically."
    retry_after: float | None = None


class ServiceUnavailable(RetryLater):
    """The server failed (5xx), could not be reached, took too long, or sent an unreadable answer."""


class RefusalDoubted(RetryLater):
    """GRDF refuses a meter's data although its own list shows an active right: apparently an error at GRDF."""

    default_step = (
        "Nothing to do: GRDF is asked again within some hours, then by each day's run. If this continues, tell GRDF."
    )


class StoreBusy(RetryLater):
    """A store is busy: CouchDB with writes to the same documents, the count of calls, or a disk."""

    state = None


class QuotaExceeded(RetryLater):
    """Too many calls (HTTP 429). GRDF allows 1 call per second and 6,000 per day for all accounts together."""

    state = None
    default_step = (
        "Nothing to do: it is tried again automatically, more slowly. If this continues, lower `calls_per_second`."
    )


class QuotaWait(QuotaExceeded):
    """Our own count delays the call. ``retry_after`` is the time to wait."""

    default_step = "Nothing to do: it continues automatically."


class PartialAnswer(RetryLater):
    """GRDF failed on part of the answer (code 2000100); the rest is good."""

    state = None


class FailNow(GasError):
    """A person must act before it is tried again."""


class RightLost(FailNow):
    """The right is not valid: revoked, expired or never given, or the household moved out."""

    state: ClassVar[str | None] = OAUTH_OUTDATED
    default_step = "The household must give its consent again on GRDF's site, from its account page."


class RightNotInForce(RightLost):
    """None of the account's rights to a meter is in force by GRDF's list, so GRDF was not asked for data.

    It would send them under another account's right. The account document already has the ``state``.
    """

    state = None


class RightTooNarrow(FailNow):
    """The right does not include the data we need."""

    state = PERMISSIONS_CHANGED
    default_step = "The household must consent again and tick the daily (informative) consumption data."


class GrantRefused(FailNow):
    """The authorization code is missing, too old or already used. Only a new consent gives another one."""

    state = OAUTH_OUTDATED
    default_step = (
        "The household must connect again from its account page; a code is valid for a few minutes and works once."
    )


class MeterTaken(FailNow):
    """The meter belongs to another account, which the text does not name: not everyone may see it."""

    state = OAUTH_OUTDATED


class CredentialsRefused(FailNow):
    """GRDF refuses our own client id, secret or contract. This concerns every account."""

    default_step = (
        "Compare login and password of the Airflow connection with those that GRDF sent, then clear the task."
    )


class IdTokenRefused(FailNow):
    """An id_token failed its check. The account is unchanged: a setting may be wrong."""

    default_step = (
        "Nothing was changed. If it happens again after a new consent, check the id_token settings of the connection."
    )
    unusable: ClassVar[bool] = False


class IdTokenUnusable(IdTokenRefused):
    """An id_token that can never be accepted, as it has expired or cannot be read. It is not kept on the account."""

    state = OAUTH_OUTDATED
    default_step = "It is not kept. The household must connect again from its account page."
    unusable = True


class ProgramFault(FailNow):
    """A bug of this program, which another error has shown. It is no fault of the account's document."""

    default_step = "Nothing else was kept from being done. Report it as a bug, with the traceback in the task's log."


class AccountLeaving(FailNow):
    """The account is being deleted: nothing is read or stored for it."""

    default_step = "See the DAG grdf_delete_account, with which its DAG goes."


class BadAccount(FailNow):
    """A document of an account or a meter that cannot be understood. Only the parsing of a document raises it."""

    default_step = "Correct or remove the account's document in io-cozy-accounts."


class ClientUnknown(BadAccount):
    """An account's client at GRDF is not used by this installation. No other one is asked instead."""

    default_step = (
        "GRDF was not asked with another client. Add the connection to [grdf] connections, the same for all parts of "
        "Airflow."
    )


class BadSettings(FailNow):
    """A setting is missing or wrong."""

    default_step = "Correct the Airflow connection or the [grdf] settings."


class BadRequest(FailNow):
    """GRDF rejected our request: a bug in this program, or a wrong input."""

    default_step = "Check the dates and the meter that were asked for; if they are right, report it as a bug."


class RightExists(BadRequest):
    """GRDF already has a right of ours to the declared meter."""

    default_step = "See GRDF's list of rights, which says for whom it was declared."


class DeclarationRefused(FailNow):
    """A right cannot be declared: what was entered is incomplete, or not as GRDF knows it.

    :param reason: GRDF's code, the first wrong field, :data:`EXISTS` or :data:`ANOTHER`
    """

    state = USER_ACTION_NEEDED
    default_step = "Ask the household, then correct it in the account's form: Connect again, on its page."
    EXISTS: ClassVar[str] = "exists"
    ANOTHER: ClassVar[str] = "another"
    reason: str = ""


class HouseholdHasLeft(DeclarationRefused):
    """An account exists again although its household has left: nothing is declared or read for it."""

    default_step = "Start grdf_delete_account for it again. A household that has come back connects as a new account."


class ProofNotSent(FailNow):
    """A proof cannot be sent: it is missing, not a file that GRDF takes, or GRDF did not take it."""

    default_step = (
        "Put up to three files of your own (PDF, PNG or JPEG, at most 4 MB each) into the account's folder of proofs/ "
        "on the staging store, then start grdf_send_proof with this account."
    )


class RefusalUnexplained(DeclarationRefused):
    """GRDF refused a declaration for an unknown reason, so it may even have taken it."""


class UnknownRefusal(FailNow):
    """GRDF refused with an unknown code and message."""

    default_step = "Look the code up in GRDF's error list and add it to include/gas/answers/refusals.py."


OF_CLIENT: Final = (QuotaWait, CredentialsRefused, BadSettings)
"""Errors that concern a client at GRDF and all its accounts."""
