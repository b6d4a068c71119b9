"""How one option of Airflow's section ``[grdf]`` is read.

Each can be written in ``airflow.cfg`` or in an environment variable ``AIRFLOW__GRDF__<NAME>`` (Airflow doc, "Setting
Configuration Options"). No message quotes what is written there: somebody may have put a secret in its place.
"""

from __future__ import annotations

import re

from airflow.sdk import conf

from include.gas.errors import BadSettings
from include.gas.redact import HIDDEN

SECTION = "grdf"
_NAME = re.compile(r"(?!(?:\D*\d){8})[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def boolean(name: str, default: bool) -> bool:
    """Return an option that is true or false.

    :raises BadSettings: if it is neither
    """
    value = (written(name) or str(default)).strip().lower()
    if value not in ("true", "false"):
        raise wrong(name, "is neither True nor False", f"Correct it, or remove it for the default, {default}.")
    return value == "true"


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return an option that is a whole number.

    :raises BadSettings: if it is no whole number from ``least`` to ``most``
    """
    try:
        value = int(written(name) or default)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        what = f"is not a whole number from {least} to {most}"
        raise wrong(name, what, f"Correct it, or remove it for the default, {default}.")
    return value


def written(name: str) -> str:
    """Return an option as it is written, or ``""``.

    :raises BadSettings: if Airflow cannot read it, such as a lone percent sign in ``airflow.cfg``
    """
    try:
        return str(conf.get(SECTION, name, fallback=""))
    except Exception as error:  # noqa: BLE001 - of the parser's many kinds; its text would show what is written
        what = f"cannot be read ({type(error).__name__})"
        raise wrong(name, what, "In airflow.cfg, write %% for each percent sign.") from None


def wrong(name: str, what: str, next_step: str) -> BadSettings:
    """Return the error for a wrong option.

    :param what: the end of a sentence, such as "is not a URL"
    """
    return BadSettings.about(None, f"the setting [grdf] {name} {what}", next_step)


def quoted_id(name: str) -> str:
    """Return the name of something, such as a connection, as a message may quote it: eight figures may be a meter."""
    return name if _NAME.fullmatch(name) else HIDDEN
