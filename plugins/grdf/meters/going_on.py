"""A task of many calls that has to wait, or to be tried again: it keeps what it has read and goes on with the rest.

The calls that it needs are booked together (``grdf.quota.ledger``), so that it does not wait once for each of them.
What it keeps lies in the account's staging folder, under a name of its own run that no ``load`` takes for a run's
answers; a deletion removes it with that folder.
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
    from include.gas.consents.consent import Consent

log = logging.getLogger(__name__)


class Progress:
    """What a task has done of its calls.

    :param staging: where it is kept
    :param account: the account's id
    :param task: names the task and its run
    :param purpose: what its calls are for
    """

    def __init__(self, staging: Staging, account: str, task: str, purpose: Purpose = "daily") -> None:
        self._staging = staging
        self._account = account
        self._name = blake2b(task.encode(), digest_size=12).hexdigest()
        told = self._read()
        self._kept = told is not None
        self._changed = False
        self._done: list[dict[str, Any]] = (told or {}).get("done", [])
        self._dated: list[list[Any]] | None = (told or {}).get("dated")
        self.booking = Booking(f"{account}:{self._name}")
        self.terms = Terms(purpose, self.booking)
        """On what terms its calls wait for GRDF's quota: they are booked together with the first."""

    def book(self, calls: int) -> None:
        """Tell how many calls are left to make, as far as that is known.

        :param calls: how many
        """
        self.booking.calls = calls

    def knows_dates(self, meters: Sequence[Consent]) -> bool:
        """Return whether it has asked how far these consents reach before it had to stop.

        :param meters: the meters, under their consents
        """
        return self._dated == _ids(meters)

    def dated(self, meters: Sequence[Consent]) -> None:
        """Note that it has asked how far some consents reach, which it need not ask again.

        :param meters: the meters, under their consents
        """
        self._dated = _ids(meters)
        self._changed = True

    def answers(self, meter: Consent, windows: Sequence[Window], *, whole: bool = False) -> list[StagedAnswer] | None:
        """Return what was read of a meter's gas days before the task had to stop; ``None`` when they must be asked for.

        :param meter: the meter, under its consent: what was read under another one is not taken
        :param windows: the gas days
        :param whole: whether they are the meter's whole history
        """
        for done in self._done:
            if (done["pce"], done["rights"], done["whole"]) != (meter.pce, list(meter.ids), whole):
                continue
            read = [Window(date.fromisoformat(first), date.fromisoformat(end)) for first, end in done["windows"]]
            if all(any(each.first <= window.first and window.end <= each.end for each in read) for window in windows):
                return [StagedAnswer(**answer) for answer in done["answers"]]
        return None

    def add(
        self,
        meter: Consent,
        windows: Sequence[Window],
        answers: Sequence[StagedAnswer] = (),
        *,
        whole: bool = False,
    ) -> None:
        """Note that a meter's gas days are read without trouble.

        :param meter: the meter, under its consent
        :param windows: the gas days
        :param answers: what GRDF said, unless it is stored already
        :param whole: whether they are the meter's whole history
        """
        self._done.append(
            {
                "pce": meter.pce,
                "rights": list(meter.ids),
                "whole": whole,
                "windows": [[window.first.isoformat(), window.end.isoformat()] for window in windows],
                "answers": [asdict(answer) for answer in answers],
            }
        )
        self._changed = True

    def keep(self) -> None:
        """Keep all for the next time, if there is anything new."""
        if self._changed:
            text = json.dumps({"done": self._done, "dated": self._dated}, ensure_ascii=False)
            self._staging.keep(self._account, self._name, text)
            self._kept, self._changed = True, False

    def drop(self) -> None:
        """Remove what was kept: the task is done, or will begin anew."""
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


def _ids(meters: Sequence[Consent]) -> list[list[Any]]:
    return [[meter.pce, sorted(meter.own)] for meter in meters]


@contextmanager
def going_on(
    adict: AdictHook,
    staging: Staging,
    account: str,
    task: str,
    stop_if_left: Callable[[], object],
    purpose: Purpose = "daily",
) -> Iterator[Progress]:
    """Let a task go on where it had to stop, and keep what it has read when it has to stop again.

    It stops to wait for the quota, to be tried again, or because Airflow ends it. After a failure that only a person
    can mend nothing is kept, so that GRDF is asked anew when that person clears the task.

    :param adict: the hook with which it asks
    :param staging: where what it has read is kept
    :param account: the account's id
    :param task: names the task and its run
    :param stop_if_left: raises when the account's household has left or is leaving: then nothing is kept of it
    :param purpose: what its calls are for
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
        with suppress(GasError):  # nobody can tell now whether it has left
            progress.drop()
