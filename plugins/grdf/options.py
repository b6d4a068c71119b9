"""How one option of Airflow's section ``[grdf]`` is read.

Each can be written in ``airflow.cfg`` or in an environment variable ``AIRFLOW__GRDF__<NAME>`` (Airflow doc, "Setting
Configuration Options").
"""

from __future__ import annotations

import re

from airflow.sdk.configuration import conf

from include.gas.errors import BadSettings
from include.gas.redact import HIDDEN, redact_address

SECTION = "grdf"
FIGURES = 8
"""A text with so many may be a meter's number, however it is written."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}")
_HARMLESS = re.compile(r"\s*(?:\.?[^\W\d][\w.-]*(?:\s*[,;]\s*[^\W\d][\w.-]*)*|[+-]?\d[\d.,:]*(?:\s?%)?|\W{0,3})\s*")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def boolean(name: str, default: bool) -> bool:
    """Return an option that is true or false.

    :raises BadSettings: if it is neither
    """
    text = written(name) or str(default)
    value = text.strip().lower()
    if value not in ("true", "false"):
        raise BadSettings.about(
            None,
            f"the setting [grdf] {name} is {quoted(text)}",
            f"Set it to True or False, or remove it for the default, {default}.",
        )
    return value == "true"


def written(name: str) -> str:
    """Return an option as it is written, or ``""``.

    :raises BadSettings: if Airflow cannot read it, such as a lone percent sign in ``airflow.cfg``
    """
    try:
        return str(conf.get(SECTION, name, fallback=""))
    except Exception as error:  # noqa: BLE001 - of the parser's many kinds; its text would show what is written
        cause = f"the setting [grdf] {name} cannot be read ({type(error).__name__})"
        raise BadSettings.about(None, cause, "In airflow.cfg, write %% for each percent sign.") from None


def quoted(text: str, limit: int = 20) -> str:
    """Return what is written, as a message may quote it: somebody may have put a secret or a meter's number there.

    Nobody can list what those look like, so what is harmless is: names, lists of names, and short figures. Of an
    address its scheme is shown.

    :param text: the whole of it
    :param limit: characters; of longer texts the length is told
    """
    scheme, address, _ = text.partition("://")
    if address and _SCHEME.fullmatch(scheme):
        return repr(f"{scheme}{address}{HIDDEN}")
    harmless = len(text) <= limit and sum(map(str.isdigit, text)) < FIGURES and redact_address(text) == text
    return repr(text) if harmless and _HARMLESS.fullmatch(text) else f"{HIDDEN} ({len(text)} characters)"


def quoted_id(conn_id: str) -> str:
    """Return the id of a connection that a setting names, as a message may quote it."""
    return conn_id if _ID.fullmatch(conn_id) and sum(map(str.isdigit, conn_id)) < FIGURES else HIDDEN


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return an option that is a whole number.

    :raises BadSettings: if it is no whole number from ``least`` to ``most``
    """
    text = written(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise BadSettings.about(
            account=None,
            cause=f"the setting [grdf] {name} is {quoted(text)}",
            next_step=f"Set it to a whole number from {least} to {most}, or remove it for the default, {default}.",
        )
    return value
