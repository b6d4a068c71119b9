"""How long one try of a task may take: whatever hangs, there is an end, which fails the try and is heard of.

Without one, a task that hangs stops its account for ever, since an account's runs come one after the other. Each limit
lies far above what honest work takes. A call waits 10 minutes for GRDF's quota at most, and then gives its slot back
(``grdf.airflow.waiting``): each coming back is timed anew. What was read or stored before the end is
kept and not read again.
"""

from __future__ import annotations

from datetime import timedelta

ONE_CALL = timedelta(hours=1)
"""A call or two to GRDF, each with its 10 minutes of waiting, its answer and one repetition; then one document."""
STORING = timedelta(hours=2)
"""CouchDB and Airflow alone: three years of 20 meters take minutes, a list of 20,000 accounts half an hour."""
METERS = timedelta(hours=6)
"""Calls for each of an account's meters: 20 of them that each wait their 10 minutes take some 4 hours."""
FLEET = timedelta(hours=20)
"""Calls for many accounts: as long as GRDF's day may make it, and over before the next day's run is due."""
