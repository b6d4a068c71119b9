"""What an object store or a disk says when it fails, as errors of ours: try later, or see to the settings."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from include.gas.errors import BadSettings, GasError, StoreBusy

_BUSY = {errno.EBUSY, errno.EIO, errno.EAGAIN, errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE}
"""``s3fs`` gives EBUSY and EIO for an S3 server that is overloaded or failing (its ``errors.py``)."""
_UNREACHABLE = frozenset({"ConnectionError", "HTTPClientError", "ClientError", "HttpError", "ServiceRequestError"})
"""Base classes by which the clients of S3 (botocore), Google (gcsfs) and Azure tell that a server cannot be reached or
failed. By name, since only one of them is installed, if any."""


@contextmanager
def in_words(place: str, account: str | None, *, may_be_missing: bool = False) -> Iterator[None]:
    """Turn what goes wrong inside the block into an error that says what to do.

    Its traceback leaves the cause out (``from None``): what an object store's client says may hold a signed address.

    :param place: the URL of the staging folder
    :param account: the account's id
    :param may_be_missing: let a ``FileNotFoundError`` through, for the caller to judge
    :raises StoreBusy: when it is worth trying again
    :raises BadSettings: when a person must see to the place
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
            cause = f"the storage for GRDF's answers, {place}, does not answer ({_said(error)})"
            raise StoreBusy.about(account, cause) from None
        raise _settings(place, account, error) from None


def _settings(place: str, account: str | None, error: Exception) -> BadSettings:
    return BadSettings.about(
        account,
        f"GRDF's answers could not be written to or read from {place} ({_said(error)})",
        "Check that the setting [grdf] staging_url names a place to which all workers can write and, for an "
        "object store, its bucket and the connection in [grdf] staging_conn_id.",
    )


def _said(error: Exception) -> str:
    """Return what the disk or the store said; of an unknown error the kind alone, as its text may hold a secret."""
    said = (error.strerror or str(error)) if isinstance(error, OSError) else ""
    return said.rstrip(". ") or type(error).__name__


def _passing(error: Exception) -> bool:
    if isinstance(error, OSError):
        return isinstance(error, (ConnectionError, TimeoutError)) or error.errno in _BUSY
    return bool(_UNREACHABLE & {base.__name__ for base in type(error).__mro__})
