"""Limits for how long one try of a task may take. A task that hangs fails in the end, and the failure is reported.

Without a limit, a task that hangs would stop its account for ever, because an account's runs follow one another. Each
limit is far above what normal work takes. A call waits at most 10 minutes for GRDF's quota, and then the task gives up
its slot (``GrdfOperator``); each return starts a new time limit. What was read or stored before a limit
is kept and not read again.
"""

from __future__ import annotations

from datetime import timedelta

ONE_CALL = timedelta(hours=1)
"""A call or two to GRDF, each with its 10 minutes of waiting, its answer and one repetition; then one document."""
STORING = timedelta(hours=2)
"""CouchDB and Airflow only. Three years of 20 meters take minutes, a list of 20,000 accounts half an hour."""
METERS = timedelta(hours=6)
"""Calls for each of an account's meters. 20 calls that each wait their 10 minutes take some 4 hours."""
FLEET = timedelta(hours=20)
"""Calls for many accounts: as long as the quota of one GRDF day may take, and over before the next day's run is due."""
