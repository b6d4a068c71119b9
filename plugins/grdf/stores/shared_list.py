"""The last good account list where every machine finds it: an Airflow Variable, written when the list has changed.

A DAG processor on a new machine, or with a lost volume, has no copy on disk; without this, CouchDB being down at that
moment would take every account's DAG away. The DAG processor may read and write Variables while it reads a DAG file.
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
"""Characters that it may hold: 20,000 accounts with random ids of 32 letters take some 500,000."""
UNPACKED = 64_000_000
"""Bytes to which it may unpack."""
BROKEN = 100
"""Accounts without a DAG that are kept with their reasons."""

log = logging.getLogger(__name__)


def read() -> tuple[Any, float] | None:
    """Return what was kept and when, ``None`` when nothing was or it cannot be read now."""
    from airflow.sdk import Variable

    try:
        text = Variable.get(VARIABLE, default=None)
        if not text:
            return None
        unpacker = zlib.decompressobj()
        told = json.loads(unpacker.decompress(b64decode(text), UNPACKED))
        return told["list"], float(told["at"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the list can be had without it
        log.warning("The Airflow Variable %s cannot be read (%s).", VARIABLE, type(error).__name__)
        return None


def write(accounts: Mapping[str, Any], *, at: float, before: Mapping[str, Any] | None) -> bool:
    """Keep a list, unless it is the same as before.

    :param accounts: ids, and those that cannot have a DAG with the reasons
    :param at: the present (seconds since 1970)
    :param before: the list that :func:`read` has given
    :return: whether it is kept there now
    """
    from airflow.sdk import Variable

    kept = {**accounts, "broken": dict(sorted(accounts["broken"].items())[:BROKEN])}
    if kept == before:
        return True
    plain = json.dumps({"at": at, "list": kept}, separators=(",", ":"))
    text = b64encode(zlib.compress(plain.encode(), 9)).decode()
    if len(text) > LARGEST:
        log.warning("The account list is too long for the Airflow Variable %s, and is kept on disk only.", VARIABLE)
        return False
    try:
        Variable.set(VARIABLE, text, description="The last good list of accounts (ids), used when CouchDB is down.")
    except ImportError:  # a command line such as ``airflow dags list``: nobody is there to keep it, and nobody needs it
        return False
    except Exception as error:  # noqa: BLE001 - whatever it is, the list can be had without it
        log.warning(
            "The account list could not be stored in the Airflow Variable %s (%s): a machine without a copy on "
            "disk would have no DAGs while CouchDB is down.", VARIABLE, type(error).__name__,
        )  # fmt: skip
        return False
    return True
