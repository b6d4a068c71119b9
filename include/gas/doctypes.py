"""All databases of this project in one place: what a set-up makes, and nobody but the project's own login reads."""

from __future__ import annotations

from include.gas.documents import ACCOUNT, DAY, MONTH, YEAR
from include.gas.leaving import AUDIT
from include.gas.published import PUBLISHED

CONNECT = "com.grandlyon.grdf.connect"
"""What may be used once (``grdf.page.once``), and which link of a household is good (``hooks.household_links``)."""
LEASE = "com.grandlyon.grdf.lease"
"""Which worker does what only one may do (``grdf.hooks.lease``)."""

PARTITIONED = frozenset({DAY, MONTH, YEAR, PUBLISHED})
"""Doctypes whose ids start with the account and a colon, as the documents of a partitioned database must."""
DOCTYPES = (ACCOUNT, DAY, MONTH, YEAR, PUBLISHED, AUDIT, CONNECT, LEASE)
