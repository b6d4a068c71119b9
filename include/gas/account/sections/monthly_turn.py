"""The notes of the monthly reading: when it failed, and when the numbers of former meters were checked."""

from __future__ import annotations

from typing import ClassVar

from include.gas.account.sections.section import Text


class MonthlyFailed(Text, frozen=True):
    """When the monthly reading of the account last failed, UTC. Accounts that failed are read after the others."""

    key: ClassVar[str] = "monthly_failed_at"
    written_by: ClassVar[str] = "the monthly reading (`grdf_published`); removed when one succeeds"


class BookHeld(Text, frozen=True):
    """When the stored numbers of meters that are not read any more were last compared with the store, UTC."""

    key: ClassVar[str] = "book_held_at"
    written_by: ClassVar[str] = "the monthly reading (`grdf_published`)"
