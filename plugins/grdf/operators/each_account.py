"""Serves accounts one by one: a bug of ours that one of them meets waits until all others are served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.gas.errors import GasError, ProgramFault
from include.gas.redact import describe_traceback

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log


class EachAccount:
    """Serves accounts one by one. A ``GasError`` says whose fault it is, and the caller handles it.

    Anything else is a bug, never a fault of the account's document: whatever is odd in one, its parsing has made a
    ``BadAccount``.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._logged = set[str]()
        self.bugs = list[GasError]()
        """One error for each account that met a bug."""

    @contextmanager
    def serve(self, account: str) -> Iterator[None]:
        """Serve an account: a bug is logged, with its traceback the first time, and noted in ``bugs``."""
        try:
            yield
        except GasError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other accounts are served
            traceback = describe_traceback(error)
            bug = ProgramFault.about(
                account, f"a bug of this program keeps it from being served ({type(error).__name__})"
            )
            self.bugs.append(bug)
            self._log.error("%s\n%s", bug, "As above." if traceback in self._logged else traceback)
            self._logged.add(traceback)

    def raise_bug(self) -> None:
        """Raise the first bug, if any, once all accounts were served."""
        if self.bugs:
            raise self.bugs[0]
