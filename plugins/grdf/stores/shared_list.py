"""The last good account list, shared by all machines in an Airflow Variable that is written when the list has changed.

A DAG processor on a new machine, or after the loss of its volume, has no copy on disk. Without the Variable, every
account's DAG would disappear if CouchDB were down at that moment. The DAG processor may read and write Variables while
it parses a DAG file.
"""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

VARIABLE = "grdf_accounts"
"""Name of the Variable."""
LARGEST = 8_000_000
"""Longest value in characters. 20,000 accounts with random ids of 32 letters take some 500,000."""
UNPACKED = 64_000_000
"""Largest unpacked size in bytes."""
BROKEN = 100
"""How many accounts without a DAG are kept, with their reasons."""

log = logging.getLogger(__name__)


class NotTold(Exception):
    """Airflow did not tell a Variable, so it is not known whether there is one."""


def read(variable: str = VARIABLE) -> tuple[Any, float] | None:
    """Return the stored list and when it was stored, or ``None`` if there is none or it cannot be read now.

    :param variable: name of the Variable that holds it
    """
    from airflow.sdk import Variable

    try:
        return _unpacked(Variable.get(variable, default=None))
    except Exception as error:  # noqa: BLE001 - the list is available without the Variable
        log.warning("The Airflow Variable %s cannot be read (%s).", variable, type(error).__name__)
        return None


def read_surely(variable: str) -> tuple[Any, float] | None:
    """Return what :func:`read` does, for a caller that writes anew what is absent: ``None`` if it is, or is damaged.

    Airflow's SDK (3.3.2, ``ExecutionAPISecretsBackend.get_variable``) returns the default for a Variable that its API
    did not tell, too. Only the list of the Variables' names says that the API has failed.

    :param variable: name of the Variable that holds it
    :raises NotTold: if Airflow's API does not tell the Variable
    """
    from airflow.sdk import Variable

    try:
        text = Variable.get(variable, default=None)
        hidden = text is None and variable in list(Variable.keys(prefix=variable))
    except Exception as error:
        raise NotTold(type(error).__name__) from error
    if hidden:
        raise NotTold("its name is known, its value is not")
    try:
        return _unpacked(text)
    except Exception as error:  # noqa: BLE001 - whatever somebody has written there
        log.warning("The Airflow Variable %s is damaged (%s).", variable, type(error).__name__)
        return None


def _unpacked(text: str | None) -> tuple[Any, float] | None:
    if not text:
        return None
    unpacker = zlib.decompressobj()
    told = json.loads(unpacker.decompress(b64decode(text), UNPACKED))
    return told["list"], float(told["at"])


def write(accounts: Mapping[str, Any], *, at: float, before: Mapping[str, Any] | None) -> bool:
    """Store a list, unless it has not changed.

    :param accounts: ids, and with reasons those that cannot have a DAG
    :param at: the present (epoch seconds)
    :param before: the list that :func:`read` returned
    :return: whether the Variable now holds the list
    """
    from airflow.sdk import Variable

    kept = {**accounts, "broken": dict(sorted(accounts["broken"].items())[:BROKEN])}
    if kept == before:
        return True
    text = packed(kept, at)
    if len(text) > LARGEST:
        log.warning("The account list is too long for the Airflow Variable %s, and is kept on disk only.", VARIABLE)
        return False
    try:
        Variable.set(VARIABLE, text, description="The last good list of accounts (ids), used when CouchDB is down.")
    except ImportError:  # a command line such as ``airflow dags list``, which cannot and need not store it
        return False
    except Exception as error:  # noqa: BLE001 - the list is available without the Variable
        log.warning(
            "The account list could not be stored in the Airflow Variable %s (%s): a machine without a copy on "
            "disk would have no DAGs while CouchDB is down.", VARIABLE, type(error).__name__,
        )  # fmt: skip
        return False
    return True


def packed(told: Mapping[str, Any], at: float) -> str:
    """Return a list as the text that :func:`read` understands.

    :param told: the list
    :param at: the present (epoch seconds)
    """
    plain = json.dumps({"at": at, "list": told}, separators=(",", ":"))
    return b64encode(zlib.compress(plain.encode(), 9)).decode()
