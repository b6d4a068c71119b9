"""Keeping meters' numbers out of what HTTP libraries log: GRDF's addresses hold them, and so do ids in CouchDB's."""

from __future__ import annotations

import logging

from include.gas.meter_tag import without_numbers

TALKERS = ("urllib3.connectionpool", "urllib3.util.retry")
"""Loggers that name addresses: each request at the level DEBUG, one that is sent again already as a WARNING."""


class WithoutNumbers(logging.Filter):
    """Takes what looks like a meter's number out of each message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; none is dropped."""
        record.msg, record.args = without_numbers(record.getMessage()), ()
        return True


def hush() -> None:
    """Quiet the HTTP libraries; once is enough."""
    for name in TALKERS:
        quiet(name)


def quiet(name: str) -> logging.Logger:
    """Return a logger that takes numbers out of what it is told.

    :param name: the logger's name
    """
    logger = logging.getLogger(name)
    if not any(isinstance(each, WithoutNumbers) for each in logger.filters):
        logger.addFilter(WithoutNumbers())
    return logger
