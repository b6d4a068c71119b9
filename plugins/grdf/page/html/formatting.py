"""Days, times and numbers formatted for a language."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from include.gas.days.gas_day import PARIS, YEARS, parse_day
from include.gas.documents.day_documents import is_number


def asked_month(text: str | None) -> date | None:
    """Return the first day of a month ``YYYY-MM`` in a query; ``None`` if it is none, or not in :data:`YEARS`."""
    try:
        month = parse_day(f"{text}-01")
    except ValueError:
        return None
    return month if month.year in YEARS else None


class LocaleFormatter:
    """A formatter for ``en`` or ``fr``."""

    def __init__(self, language: str) -> None:
        self.language = language

    def day(self, day: date) -> str:
        """Format a day, such as "8 Mar 2024"."""
        return format_date(day, self._of("d MMM y", day), locale=self.language)

    def iso(self, text: str) -> str:
        """Format a stored ``YYYY-MM-DD``. Return anything else unchanged."""
        try:
            return self.day(parse_day(text))
        except ValueError:
            return str(text)

    def weekday(self, day: date) -> str:
        """Format a day such as "Fri 8 Mar 2024"."""
        return format_date(day, self._of("EEE d MMM y", day), locale=self.language)

    def month(self, day: date) -> str:
        """Format a month such as "March 2024"."""
        return format_date(day, "LLLL y", locale=self.language)

    def year(self, day: date) -> str:
        """Format a year such as "2024"."""
        return str(day.year)

    def month_name(self, day: date) -> str:
        """Format a month such as "Mar"."""
        return format_date(day, "LLL", locale=self.language)

    def moment(self, text: str) -> str:
        """Format an instant, ISO 8601 with a UTC offset, in Paris time. Return anything else unchanged."""
        try:
            instant = datetime.fromisoformat(text).astimezone(PARIS)
        except (ValueError, OverflowError):  # the latter at the ends of the calendar
            return text
        return format_datetime(instant, self._of("d MMM y, HH:mm", instant), locale=self.language)

    def _of(self, pattern: str, day: date) -> str:
        """Return the pattern for a day: the French write "1er" and "2"."""
        return pattern.replace("d ", "d'er' ") if self.language == "fr" and day.day == 1 else pattern

    def number(self, number: float) -> str:
        """Format a number to three decimals: kWh are exact to the Wh. Absurd ones, which CouchDB keeps, become "?"."""
        if not is_number(number):
            return "?"
        return format_decimal(number, "#,##0.###", locale=self.language)

    def euros(self, price: float) -> str:
        """Format a price to the cent."""
        return format_currency(price, "EUR", locale=self.language)

    def change(self, part: float) -> str:
        """Format a change in whole percent with its sign, such as "-12%"."""
        pattern = "+#,##0\N{NO-BREAK SPACE}%;-#,##0\N{NO-BREAK SPACE}%" if self.language == "fr" else "+#,##0%;-#,##0%"
        return format_percent(round(part, 2) + 0.0, pattern, locale=self.language)  # no "-0%"
