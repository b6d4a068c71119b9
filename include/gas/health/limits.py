"""What can be wrong with the fleet, and from which share on a person is called."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Something that is wrong with some accounts, clients or the check itself. The gravest is listed first."""

    UNSEEN = "unseen"
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


PERCENT = {
    Cause.LATE: 5,  # GRDF is late with some meters on any day
    Cause.SILENT: 2,  # of fewer than 50, none
    Cause.REFUSED: 5,
    Cause.CONNECT: 20,  # consents do end
    Cause.NONE_DAYS: 5,
    Cause.BRAKED: 0,
    Cause.LOST_DAYS: 0,  # CouchDB loses none by itself
}
"""By cause, the percentage of accounts (of days, for ``none_days``) that may be concerned; more are not well."""
LATE_DAYS = 7
"""Age in days from which the newest gas day is late, as on the page."""
QUOTA_LEFT = 10
"""Percentage of a client's calls of the day; fewer are nearly spent."""
