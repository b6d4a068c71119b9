"""What can be wrong with the fleet, and from which share on a person is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Something that is wrong with some accounts, clients or the check itself. The gravest is listed first."""

    UNSEEN = "unseen"
    LOST = "lost"
    DATABASE = "database"
    LOST_DAYS = "lost_days"
    SILENT = "silent"
    LATE = "late"
    BRAKED = "braked"
    UNCHECKED = "unchecked"
    QUOTA = "quota"
    REFUSED = "refused"
    CONNECT = "connect"
    NONE_DAYS = "none_days"
    SETTING = "setting"


SHARES = (
    Cause.LOST_DAYS, Cause.SILENT, Cause.LATE, Cause.BRAKED, Cause.REFUSED, Cause.CONNECT, Cause.NONE_DAYS,
)  # fmt: skip
"""Causes that are a share of the accounts (or of days), each with a limit in percent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When the fleet is not well.

    :param late_days: age in days from which the newest gas day is late
    :param quota_left: percentage of a client's calls of the day; fewer are nearly spent
    :param percent: by cause, the percentage of accounts (of days, for ``none_days``) that may be concerned; more are
        not well
    """

    late_days: int = 7
    quota_left: int = 10
    percent: dict[Cause, int] = field(default_factory=dict)

    def allows(self, cause: Cause, count: int, of: int) -> bool:
        """Return whether so many are still well.

        :param count: how many are concerned
        :param of: how many there are
        """
        return count * 100 <= self.percent.get(cause, 0) * of
