"""Filters that keep meters' numbers out of HTTP libraries' logs: GRDF's addresses and CouchDB's ids contain them."""

from __future__ import annotations

import logging

from include.gas.meter_tag import without_numbers

TALKERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")
"""Loggers whose messages contain addresses: each request at level DEBUG, and a repeated request already as a
WARNING. The second one also quotes the headers of an answer that it cannot parse."""


class WithoutNumbers(logging.Filter):
    """Removes anything that looks like a meter's number from each message, and what a server has sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record. No record is dropped."""
        if record.name == "urllib3.connection" and record.exc_info:
            record.msg, record.args, record.exc_info = "A server sent headers that cannot be parsed.", (), None
        record.msg, record.args = without_numbers(record.getMessage()), ()
        return True


def hush() -> None:
    """Install the filter on the HTTP libraries' loggers. Calling it again has no effect."""
    for name in TALKERS:
        quiet(name)


def quiet(name: str) -> logging.Logger:
    """Return a logger whose messages have meters' numbers removed."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, WithoutNumbers) for each in logger.filters):
        logger.addFilter(WithoutNumbers())
    return logger
