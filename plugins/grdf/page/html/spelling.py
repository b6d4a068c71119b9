"""Days, moments and numbers as people of a language write them."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from include.gas.days.gas_day import PARIS, parse_day


class Spelling:
    """Writes values in one language.

    :param language: ``en`` or ``fr``
    """

    def __init__(self, language: str) -> None:
        self.language = language

    def day(self, day: date) -> str:
        """Write a day, such as 8 Mar 2024."""
        return format_date(day, "d MMM y", locale=self.language)

    def iso(self, text: str) -> str:
        """Write a day that a document holds as ``YYYY-MM-DD``; anything else is given back as it is."""
        try:
            return self.day(parse_day(text))
        except ValueError:
            return str(text)

    def weekday(self, day: date) -> str:
        """Write a day with its day of the week, such as Friday 8 March 2024."""
        return format_date(day, "EEEE d MMMM y", locale=self.language)

    def month(self, day: date) -> str:
        """Write a day's month, such as March 2024."""
        return format_date(day, "LLLL y", locale=self.language)

    def month_name(self, day: date) -> str:
        """Write a day's month without the year, in three or four letters."""
        return format_date(day, "LLL", locale=self.language)

    def moment(self, text: str) -> str:
        """Write an instant, in Paris.

        :param text: as documents hold it, ISO 8601; anything else is given back as it is
        """
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            return text
        if instant.tzinfo is None:
            return text
        return format_datetime(instant.astimezone(PARIS), "d MMM y, HH:mm", locale=self.language)

    def number(self, number: float) -> str:
        """Write a number, in kWh to the watt-hour."""
        return format_decimal(number, "#,##0.###", locale=self.language)
