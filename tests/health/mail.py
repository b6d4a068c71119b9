"""A mail server on this machine, and the environment that sends the alerts of Airflow's mail notifier to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from include.sandbox.processes import free_port

NOTIFIER = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, *about: Any) -> str:  # noqa: N802 - aiosmtpd's name
        from email import message_from_bytes, policy

        message = message_from_bytes(about[-1].content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        return [
            str(part.get_content())
            for mail in self.mails
            for part in mail.walk()
            if part.get_content_type() == "text/html"
        ]


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    connection = {
        "conn_type": "smtp", "host": "127.0.0.1", "port": server.port,
        "extra": {"disable_ssl": True, "disable_tls": True},
    }  # fmt: skip
    arguments = {"to": "team@example.org", "from_email": "airflow@example.org", "smtp_conn_id": "fleet_mail"}
    env = {
        "AIRFLOW_CONN_FLEET_MAIL": json.dumps(connection),
        "alert_notifier": NOTIFIER,
        "alert_notifier_kwargs": json.dumps(arguments),
    }
    try:
        yield box, env
    finally:
        server.stop()
