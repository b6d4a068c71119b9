"""Sends the alert, one for the whole fleet, by any Airflow notifier."""

from __future__ import annotations

import inspect
import re
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grdf import settings
from include.gas.errors import BadSettings
from include.gas.redact import redact

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier, Context

EXAMPLE = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
_TEXT_ARGUMENTS = ("html_content", "text", "message", "body", "content")
"""Names of notifiers' text arguments. The first one that exists gets ours, unless the settings give one."""
_TITLE_ARGUMENTS = ("subject", "title", "summary")
_ARGUMENTS = re.compile(r"got an unexpected keyword argument '\w+'|missing \d+ required [a-z -]+: [\w', ]+")
"""Python's words for a call with wrong arguments."""
_DOTTED = re.compile(r"\w*(?:\.\w*)+")
"""A class path. Anything else may be a webhook's address, which is its secret."""


def send_alert(context: Context, title: str, text: str) -> bool:
    """Send a message by the settings' notifier, if there is one; ``BadSettings`` if it fails or cannot be made."""
    notifier = build_notifier(title, text)
    if notifier is None:
        return False
    try:
        notifier(context)
    except Exception as error:  # noqa: BLE001 - any notifier may fail in any way, and the check goes on
        raise BadSettings.about(
            None,
            f"the alert could not be sent by {settings.alert_notifier()}: {_what_went_wrong(error)}",
            "Check the connection that the notifier uses, and [grdf] alert_notifier_kwargs. What else it said may "
            "quote the notifier's own secret, so it is not shown.",
        ) from None
    return True


def build_notifier(title: str = "title", text: str = "text") -> BaseNotifier | None:
    """Return the notifier, with our words for open arguments; ``BadSettings`` if it cannot be made. Nothing is sent."""
    path, kwargs = settings.alert_notifier(), settings.alert_notifier_kwargs()
    if not path:
        return None
    kind, words = _class_at(path), {}
    taken = {name for each in kind.__mro__ for name in inspect.signature(each.__init__).parameters}
    for value, names in ((title, _TITLE_ARGUMENTS), (f"{title}\n\n{text}", _TEXT_ARGUMENTS)):
        name = next((name for name in names if name in taken), "")
        if name and not kwargs.keys() & {*names}:
            words[name] = _literal(value, name)
    try:
        made: BaseNotifier = kind(**{**words, **kwargs})
    except Exception as error:  # noqa: BLE001 - any notifier may refuse its arguments in any way
        raise BadSettings.about(
            None,
            f"the notifier {path} does not take what [grdf] alert_notifier_kwargs says ({_what_went_wrong(error)})",
            "Set it to a JSON object with the notifier's arguments; its documentation lists them.",
        ) from None
    return made


def _what_went_wrong(error: BaseException) -> str:
    """Return an error's class, cause and a server's status, such as ``HTTPError (MaxRetryError, 404)``.

    Never its text: clients quote addresses, and a webhook's has its secret. Python's words for wrong arguments only
    have names.
    """
    if isinstance(error, TypeError) and (found := _ARGUMENTS.search(str(error))):
        return f"TypeError: {found[0]}"
    cause = error.__cause__ or error.__context__
    statuses = [getattr(getattr(each, "response", None), "status_code", None) for each in (error, cause)]
    facts = [type(cause).__name__ if cause else None, *statuses, getattr(error, "smtp_code", None)]
    more = ", ".join(str(each) for each in facts if each)
    return type(error).__name__ + (f" ({more})" if more else "")


def _class_at(path: str) -> Any:
    from airflow.sdk import BaseNotifier

    why = "not the path of a class"
    if _DOTTED.fullmatch(path) and redact(path) == path:
        module, _, name = path.rpartition(".")
        try:
            found = getattr(import_module(module), name)
            if isinstance(found, type) and issubclass(found, BaseNotifier):
                return found
            why = "no notifier of Airflow's"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may do anything while it is imported
            why = f"what cannot be loaded ({redact(f'{type(error).__name__}: {error}')[:200]})"
    raise BadSettings.about(
        None,
        f"the setting [grdf] alert_notifier is {why}",
        f"Set it to the class of an Airflow notifier whose provider is installed, such as {EXAMPLE}. A webhook's "
        "address belongs into the connection that the notifier uses.",
    )


def _literal(value: str, name: str) -> str:
    """Return a text that templates leave as it is."""
    value = re.sub(r"\{(?=[{%#])", "{ ", value)  # each one: "{{{" has two
    return f'<pre style="white-space: pre-wrap">{escape(value)}</pre>' if name == "html_content" else value
