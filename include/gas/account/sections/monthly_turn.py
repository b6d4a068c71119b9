"""What the monthly reading notes of an account's turns: when it failed, and when its books were held."""

from __future__ import annotations

from typing import ClassVar

from include.gas.account.sections.section import Text


class MonthlyFailed(Text, frozen=True):
    """When the monthly reading of the account last failed, UTC: those that failed have their turn after the others."""

    key: ClassVar[str] = "monthly_failed_at"
    written_by: ClassVar[str] = "the monthly reading (`grdf_published`); taken out when one succeeds"


class BookHeld(Text, frozen=True):
    """When the books of meters that are not read any more were last held against the store, UTC."""

    key: ClassVar[str] = "book_held_at"
    written_by: ClassVar[str] = "the monthly reading (`grdf_published`)"
