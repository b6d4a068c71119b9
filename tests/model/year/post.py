"""The fleet's mailbox: a notifier as an operator would name it in ``[grdf] alert_notifier``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from airflow.sdk import BaseNotifier

NOTIFIER = f"{__name__}.Mailbox"
_ITEM = re.compile(r"^\* (.*)$", re.MULTILINE)
_NEW = re.compile(r" New: (.*?)\. [A-Z]")
_SUBJECTS = {
    "consents of": "connect",
    "have no account": "unclaimed",
    "end within": "ending",
    "are silent": "silent",
    "gone from CouchDB": "lost",
    "waited for an answer": "unanswered",
    "share a meter": "shared",
    "have withdrawn": "withdrawn",
    "is refused": "refused",
    "GRDF fails": "grdf",
    "GRDF is late": "grdf",
    "was not asked": "grdf",
}


class Mailbox(BaseNotifier):
    mails: ClassVar[list[str]] = []

    def __init__(self, subject: str = "", message: str = "") -> None:
        super().__init__()
        self.subject = subject
        self.message = message

    def notify(self, context: Any) -> None:
        del context
        Mailbox.mails.append(f"{self.subject}\n{self.message}")


def named_in(mail: str) -> Iterator[tuple[str, str, str]]:
    """Yield each line's subject, a name in it (``""`` for a line without names), and the line."""
    for line in _ITEM.findall(mail):
        subject = next((name for words, name in _SUBJECTS.items() if words in line), "other")
        new = _NEW.search(line)
        names = [item.partition(" (")[0] for item in new[1].split("; ")] if new else [""]
        for name in names:
            yield subject, name, line
