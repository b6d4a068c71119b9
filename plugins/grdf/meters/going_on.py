"""Progress of a task with many calls.

If it has to wait or is tried again, it keeps its answers and continues from there.

The calls that the task needs are booked together (``grdf.quota.ledger``), so that it does not wait once for each of
them. The progress is in the account's staging folder, under a name of its own run that no ``load`` takes for a run's
answers. A deletion removes it with that folder.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from grdf.quota.allowance import Purpose
from grdf.quota.terms import Booking, Terms
from grdf.staging.area import StagedAnswer, Staging
from include.gas.days.windows import Window
from include.gas.errors import AccountLeaving, BadAccount, FailNow, GasError, QuotaWait

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from include.gas.rights.meter_rights import Held

log = logging.getLogger(__name__)


class Progress:
    """Which of its calls a task has made.

    :param staging: where the progress is kept
    :param task: identifies the task and its run
    :param purpose: what the calls are for
    """

    def __init__(self, staging: Staging, account: str, task: str, purpose: Purpose = "daily") -> None:
        self._staging = staging
        self._account = account
        self._name = blake2b(task.encode(), digest_size=12).hexdigest()
        told = self._read()
        self._kept = told is not None
        self._changed = False
        self._done: list[dict[str, Any]] = (told or {}).get("done", [])
        # Hashed, since the ledger lies where other users of the machine may read, and no deletion looks there.
        self.booking = Booking(blake2b(f"{account}:{task}".encode(), digest_size=12).hexdigest())
        self.terms = Terms(purpose, self.booking)
        """How the calls wait for GRDF's quota. They are booked together with the first."""

    def book(self, calls: int) -> None:
        """Set how many calls are left to make, as far as that is known."""
        self.booking.calls = calls

    def answers(self, meter: Held, windows: Sequence[Window], *, whole: bool = False) -> list[StagedAnswer] | None:
        """Return the answers about a meter's gas days from before the task stopped.

        Return ``None`` if they must be requested.

        :param windows: the gas days
        :param whole: whether they are the meter's whole history
        """
        for done in self._done:
            if (done["pce"], done["whole"]) != (meter.pce, whole):
                continue
            read = [Window(date.fromisoformat(first), date.fromisoformat(end)) for first, end in done["windows"]]
            if all(any(each.first <= window.first and window.end <= each.end for each in read) for window in windows):
                return [StagedAnswer(**answer) for answer in done["answers"]]
        return None

    def add(
        self,
        meter: Held,
        windows: Sequence[Window],
        answers: Sequence[StagedAnswer] = (),
        *,
        whole: bool = False,
    ) -> None:
        """Record that a meter's gas days were read without problems.

        :param windows: the gas days
        :param answers: GRDF's answers, unless they are already stored
        :param whole: whether the days are the meter's whole history
        """
        self._done.append(
            {
                "pce": meter.pce,
                "whole": whole,
                "windows": [[window.first.isoformat(), window.end.isoformat()] for window in windows],
                "answers": [asdict(answer) for answer in answers],
            }
        )
        self._changed = True

    def keep(self) -> None:
        """Write the progress to staging if it has changed."""
        if self._changed:
            text = json.dumps({"done": self._done}, ensure_ascii=False)
            self._staging.keep(self._account, self._name, text)
            self._kept, self._changed = True, False

    def drop(self) -> None:
        """Remove the progress, because the task is done or will start from the beginning."""
        if self._kept:
            self._staging.keep(self._account, self._name, None)
            self._kept = False

    def _read(self) -> dict[str, Any] | None:
        text = self._staging.kept(self._account, self._name)
        try:
            told = json.loads(text) if text is not None else None
        except ValueError:
            told = None
        return told if isinstance(told, dict) else None


@contextmanager
def going_on(
    adict: AdictHook,
    staging: Staging,
    account: str,
    task: str,
    stop_if_left: Callable[[], object],
    purpose: Purpose = "daily",
) -> Iterator[Progress]:
    """Let a task continue from where it stopped, and keep its answers if it has to stop again.

    A task stops to wait for the quota, to be tried again, or because Airflow ends it. After a failure that only a
    person can correct nothing is kept, so that GRDF is asked again when that person clears the task.

    :param adict: the hook that makes the calls; unused bookings are released through it
    :param staging: where the progress is kept
    :param task: identifies the task and its run
    :param stop_if_left: raises if the account's household has left or is leaving; then nothing of it is kept
    :param purpose: what the calls are for
    """
    progress = Progress(staging, account, task, purpose)
    waits = False
    try:
        yield progress
    except FailNow:
        progress.drop()
        raise
    except BaseException as error:
        waits = isinstance(error, QuotaWait)
        _keep(progress, account, stop_if_left)
        raise
    else:
        progress.drop()
    finally:
        if not waits:
            adict.release(progress.booking)


def _keep(progress: Progress, account: str, stop_if_left: Callable[[], object]) -> None:
    try:
        progress.keep()
    except GasError as error:
        log.warning("Account %s: what was read before is requested again. %s", account, error)
    try:
        stop_if_left()
    except (AccountLeaving, BadAccount):
        progress.drop()
        raise
    except GasError:
        with suppress(GasError):  # it is unknown whether the household has left
            progress.drop()
