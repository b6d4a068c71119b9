"""A list in an Airflow Variable, packed: what the check of health has seen (``grdf.health.known_accounts``)."""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

UNPACKED = 64_000_000
"""Largest unpacked size in bytes."""
log = logging.getLogger(__name__)


class NotTold(Exception):
    """Airflow did not tell a Variable, so it is not known whether there is one."""


def read_surely(variable: str) -> tuple[Any, float] | None:
    """Return the stored list and when it was stored; ``None`` if there is none, or it is damaged.

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


def packed(told: Mapping[str, Any], at: float) -> str:
    """Return a list as the text that :func:`read_surely` understands.

    :param told: the list
    :param at: the present (epoch seconds)
    """
    plain = json.dumps({"at": at, "list": told}, separators=(",", ":"))
    return b64encode(zlib.compress(plain.encode(), 9)).decode()
