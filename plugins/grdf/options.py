"""Reads options of ``[grdf]``. Messages never quote a value: it may be a secret in the wrong place."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import Generic, TypeVar

from airflow.sdk import conf

from include.gas.errors import BadSettings
from include.gas.redact import HIDDEN

log = logging.getLogger(__name__)

SECTION = "grdf"
_NAME = re.compile(r"(?!(?:\D*\d){8})[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_T = TypeVar("_T")


class WrongOption(Exception):
    """A wrong value. Arguments: the end of a sentence, such as "is not a URL", and what to do."""


class Setting(Generic[_T]):
    """One option. Calling it reads it; ``read`` makes the value of the text and the default of ``""``."""

    def __init__(self, read: Callable[[str], _T], name: str = "") -> None:
        self.name, self._read, self.__doc__ = name or read.__name__, read, read.__doc__

    def __call__(self) -> _T:
        """Return the value; ``BadSettings`` if it is wrong or unreadable, as with a lone percent sign."""
        try:
            written = str(conf.get(SECTION, self.name, fallback="")).strip()
        except Exception as error:  # noqa: BLE001 - of the parser's many kinds; its text would show what is written
            what, do = f"cannot be read ({type(error).__name__})", "In airflow.cfg, write %% for each percent sign."
        else:
            try:
                return self._read(written)
            except WrongOption as error:
                what, do = error.args
        raise BadSettings.about(None, f"the setting [{SECTION}] {self.name} {what}", do)

    def or_default(self) -> _T:
        """Return the value, or the default with a log line if it is wrong: no DAG may go."""
        try:
            return self()
        except BadSettings as error:
            default = self._read("")
            _log_once(f"{str(error).rstrip('.')}. Until then the default, {default}, is used.")
            return default


def text(name: str, default: str = "") -> Setting[str]:
    """Return an option that may be any text."""
    return Setting(lambda written: written or default, name)


def boolean(name: str, default: bool) -> Setting[bool]:
    """Return an option that is true or false."""

    def read(written: str) -> bool:
        value = (written or str(default)).lower()
        if value not in ("true", "false"):
            raise WrongOption("is neither True nor False", f"Correct it, or remove it for the default, {default}.")
        return value == "true"

    return Setting(read, name)


def number(name: str, default: int, *, least: int, most: int) -> Setting[int]:
    """Return an option that is a whole number from ``least`` to ``most``."""

    def read(written: str) -> int:
        try:
            value = int(written or default)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            what = f"is not a whole number from {least} to {most}"
            raise WrongOption(what, f"Correct it, or remove it for the default, {default}.")
        return value

    return Setting(read, name)


@functools.cache
def _log_once(said: str) -> None:
    """Log an error once per process: all accounts of a file read the same settings."""
    log.error("%s", said)


def quoted_id(name: str) -> str:
    """Return a name fit to quote: eight figures may be a meter number."""
    return name if _NAME.fullmatch(name) else HIDDEN
