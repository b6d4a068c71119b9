"""Failures of an object store or a disk, as errors of ours: try again later, or correct the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from include.gas.errors import BadSettings, GasError, StoreBusy
from include.gas.redact import redact

_WRONG = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError)
"""What is wrong with a place. Every other error of a disk passes, such as a full one; ``s3fs`` raises them, too."""
_UNREACHABLE = frozenset(
    {"ConnectionError", "HTTPClientError", "ClientError", "HttpError", "ServiceRequestError", "Timeout"}
)
"""Base classes of the errors by which the clients of S3 (botocore), Google (gcsfs), Azure and WebHDFS (requests) report
that a server cannot be reached or failed. They are compared by name, because at most one of the clients is installed.
"""


@contextmanager
def in_words(place: str, account: str | None, *, may_be_missing: bool = False) -> Iterator[None]:
    """Turn a failure inside the block into an error that says what to do.

    The traceback leaves the cause out (``from None``): the message of an object store's client may contain a signed
    address.

    :param place: the URL of the staging folder
    :param may_be_missing: let a ``FileNotFoundError`` through for the caller to handle
    :raises StoreBusy: if it makes sense to try again
    :raises BadSettings: if a person must correct the place or its settings
    """
    try:
        yield
    except GasError:
        raise
    except FileNotFoundError as error:
        if may_be_missing:
            raise
        raise _settings(place, account, error) from None
    except ImportError as error:
        raise BadSettings.about(
            account,
            f"the setting [grdf] staging_url names {place}, but the package for it is missing ({error})",
            "Install Airflow's provider for it on every worker, such as apache-airflow-providers-amazon[s3fs].",
        ) from None
    except Exception as error:  # noqa: BLE001 - the clients of the object stores share no base class
        if _passing(error):
            cause = f"the storage for GRDF's answers, {place}, cannot be used at the moment ({_said(error)})"
            raise StoreBusy.about(account, cause) from None
        raise _settings(place, account, error) from None


def _settings(place: str, account: str | None, error: Exception) -> BadSettings:
    return BadSettings.about(
        account,
        f"GRDF's answers could not be written to or read from {place} ({_said(error)})",
        "Check that the setting [grdf] staging_url names a place to which all workers can write and, for an "
        "object store, its bucket and the Airflow connection before its @ (s3://connection@bucket/folder).",
    )


def _said(error: Exception) -> str:
    """Return the message of a disk or store.

    Return only the class of an unknown error, whose text may contain a secret. Errors of HTTP clients are OSErrors too,
    and quote the address that they asked, which may be signed.
    """
    if not isinstance(error, OSError) or type(error).__module__ != "builtins":
        return type(error).__name__
    return redact(error.strerror or str(error)).rstrip(". ") or type(error).__name__


def _passing(error: Exception) -> bool:
    if isinstance(error, OSError) and type(error).__module__ == "builtins":
        return not isinstance(error, _WRONG)
    return bool(_UNREACHABLE & {base.__name__ for base in type(error).__mro__})
