"""Sending the alert by whichever Airflow notifier the settings name: one message for the whole fleet."""

from __future__ import annotations

import re
import threading
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.transport.addresses import split
from include.gas.errors import BadSettings
from include.gas.redact import redact

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier, Context

EXAMPLE = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
SECONDS = 120.0
"""How long a notifier may take. Many have no limit of their own, and the check is red only after the alert."""
_TEXT_ARGUMENTS = ("html_content", "text", "message", "body", "content")
"""What notifiers call their text. The first of these that a notifier takes gets ours, unless the settings give one."""
_TITLE_ARGUMENTS = ("subject", "title", "summary")
_ARGUMENTS = re.compile(r"got an unexpected keyword argument '\w+'|missing \d+ required [a-z -]+: [\w', ]+")
"""What Python says of a call with wrong arguments."""
_DOTTED = re.compile(r"\w*(?:\.\w*)+")
"""What looks like the path of a class. Anything else may be a webhook's address, which is its secret."""
_DEEPEST = 10


class Alerter:
    """Sends alerts. Without a notifier it does nothing.

    :raises BadSettings: if the settings name no notifier that can be made; nothing is sent to find out
    """

    def __init__(self) -> None:
        self.path = settings.alert_notifier()
        self.kwargs = settings.alert_notifier_kwargs()
        self.kind = _class_at(self.path) if self.path else None
        if self.kind is not None:
            self._made("title", "text")

    def send(self, context: Context, title: str, text: str) -> bool:
        """Send a message, and return whether there is a notifier.

        :param context: the task's context, for templates in the notifier's arguments
        :param title: one line
        :param text: plain text that names nobody
        :raises BadSettings: if the notifier fails, or has not ended after :data:`SECONDS`
        """
        if self.kind is None:
            return False
        if problem := _problem(self._made(title, text), context):
            raise BadSettings.about(
                None,
                f"the alert could not be sent by {self.path}: {problem}",
                "Check the connection that the notifier uses, and [grdf] alert_notifier_kwargs. What else it said may "
                "quote the notifier's own secret, so it is not shown.",
            )
        return True

    def _made(self, title: str, text: str) -> BaseNotifier:
        assert self.kind is not None
        taken = _parameters(self.kind)
        words: dict[str, str] = {}
        for value, names in ((title, _TITLE_ARGUMENTS), (text, _TEXT_ARGUMENTS)):
            if not any(name in self.kwargs for name in names):
                words |= {name: _literal(value, name) for name in [name for name in names if name in taken][:1]}
        if "text" in words and "title" not in words and not (set(words) & set(_TITLE_ARGUMENTS)):
            words["text"] = f"{title}\n\n{words['text']}"
        try:
            made: BaseNotifier = self.kind(**{**words, **self.kwargs})
        except Exception as error:  # noqa: BLE001 - any notifier may refuse its arguments in any way
            raise BadSettings.about(
                None,
                f"the notifier {self.path} does not take what [grdf] alert_notifier_kwargs says "
                f"({_what_went_wrong(error)})",
                "Set it to a JSON object with the notifier's arguments; its documentation lists them.",
            ) from None
        return made


def _problem(notifier: BaseNotifier, context: Context) -> str:
    """Let a notifier send, in a thread that nobody waits for at the end; return what is wrong, or ``""``.

    A signal, as Airflow's own time limits use it, reaches the main thread alone, and the triggerer sends in another.
    """
    problems: list[str] = []

    def send() -> None:
        try:
            notifier(context)
        except BaseException as error:  # noqa: BLE001 - any notifier may fail in any way, and the check goes on
            problems.append(_what_went_wrong(error))

    sending = threading.Thread(target=copy_context().run, args=(send,), name="grdf alert", daemon=True)
    sending.start()
    sending.join(SECONDS)
    if sending.is_alive():
        return f"it had not ended after {SECONDS:g} s, and may send it later or never"
    return "".join(problems)


def _what_went_wrong(error: BaseException) -> str:
    """Return the class of an error, what caused it, the server's status and its host, such as ``HTTPError at h (404)``.

    Never its text: a chat's webhook has its secret in the path, and clients quote the whole address. Only what Python
    says of a notifier's arguments is told, which has their names alone.
    """
    chain = [error]
    while len(chain) < _DEEPEST and (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    if isinstance(error, TypeError) and (found := _ARGUMENTS.search(str(error))):
        return f"TypeError: {found[0]}"
    host = next(filter(None, map(_host, chain)), "")
    status = next((str(number) for number in map(_status, chain) if number is not None), "")
    root = type(chain[-1]).__name__ if len(chain) > 1 else ""
    more = ", ".join(filter(None, (root, status)))
    return type(error).__name__ + (f" at {host}" if host else "") + (f" ({more})" if more else "")


def _host(error: BaseException) -> str:
    """Return the host that a client could not use, as ``requests``, ``urllib`` and ``aiohttp`` tell it."""
    for holder in (error, getattr(error, "request", None), getattr(error, "response", None)):
        url = str(getattr(holder, "url", None) or "")
        if "@" not in url and (host := split(url).hostname):
            return host
    return ""


def _status(error: BaseException) -> int | None:
    """Return the status of a server's refusal, of HTTP or SMTP."""
    told = getattr(getattr(error, "response", None), "status_code", None), getattr(error, "smtp_code", None)
    return next((number for number in told if isinstance(number, int)), None)


def _class_at(path: str) -> Any:
    from airflow.sdk import BaseNotifier

    if not _DOTTED.fullmatch(path) or redact(path) != path:
        raise BadSettings.about(
            None,
            "the setting [grdf] alert_notifier is not the path of a class",
            f"Set it to the class of an Airflow notifier, such as {EXAMPLE}. A webhook's address belongs into the "
            "connection that the notifier uses.",
        )
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may do anything while it is imported
        raise BadSettings.about(
            None,
            "the setting [grdf] alert_notifier names what cannot be loaded "
            f"({redact(f'{type(error).__name__}: {error}')[:200]})",
            f"Set it to the class of an Airflow notifier whose provider is installed, such as {EXAMPLE}.",
        ) from None
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise BadSettings.about(
            None,
            "the setting [grdf] alert_notifier names what is no notifier of Airflow's",
            f"Set it to the class of one, such as {EXAMPLE}.",
        )
    return found


def _parameters(kind: type) -> frozenset[str]:
    import inspect

    return frozenset(
        name
        for each in kind.__mro__
        if "__init__" in vars(each)
        for name in inspect.signature(vars(each)["__init__"]).parameters
    )


def _literal(value: str, name: str) -> str:
    """Return a text that a notifier's templates leave as it is."""
    from html import escape

    value = re.sub(r"\{(?=[{%#])", "{ ", value)  # each one: "{{{" has two
    return f'<pre style="white-space: pre-wrap">{escape(value)}</pre>' if name == "html_content" else value
