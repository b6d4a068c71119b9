"""Hides tokens, secrets, codes and e-mail addresses.

Text from outside (answers, exceptions of libraries) passes through here before it reaches a log or a message, because
not every way of running a DAG masks secrets (``dag.test()`` does not).
"""

from __future__ import annotations

import re

HIDDEN = "[hidden]"

READ = 20_000
"""How many characters of a foreign message are read for an excerpt: one of many megabytes must not hold a process."""

_SECRET_NAMES = (
    # With any prefix: access_token, client_secret, X-Amz-Security-Token, X-Goog-Signature.
    r"[\w-]*(?:token|secret|password|passwd|signature)"
    # Whole names only: error_code, for example, is not a secret.
    r"|client_assertion|id_token_hint|code|code_verifier|nonce|login_hint|sig|api_?key|[\w-]*credential|awsaccesskeyid"
)
"""Parameter names of OAuth secrets and of signed object-store URLs (S3, Google, Azure, CloudFront)."""
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # JSON members come first: their values may contain spaces, where the query form below would stop. One that does not
    # end was cut.
    (
        re.compile(
            rf"""(["'](?:{_SECRET_NAMES})["']\s*:\s*)(["'])(?:\\.|(?!\2)[^\\])*(?:\2|\\?\Z)""",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"(?<![\w-])((?:{_SECRET_NAMES})=)[^\s&\"'<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic)\s+(?!\[hidden\])[^\s\"',;]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"(://)[^\s/@:]*:[^\s/@]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)
_DIGIT, _DIGITS_LAST = re.compile("[0-9]"), re.compile(r"(?<![0-9])(?:GI)?[0-9]+\Z")


def redact(text: str) -> str:
    """Replace every secret in a text with ``[hidden]``.

    :param text: any text, for example the body of an answer or the message of an exception
    :return: the text without Bearer tokens, JSON web tokens, values of parameters with secret-looking names, passwords
        in URLs, and e-mail addresses. The function is idempotent
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def excerpt(text: str, limit: int = 160) -> str:
    """Return a foreign message in a form that we can quote: redacted, on one line and cut.

    :param text: the message as received
    :param limit: maximum length in characters
    """
    is_long = len(text) > READ
    if is_long:
        text = text[:READ].rpartition(" ")[0]  # a secret that is cut in two would not be recognised
    line = " ".join(redact(text).split())
    if len(line) <= limit and not is_long:
        return line
    kept, rest = line[: limit - 1], line[limit - 1 :]
    if _DIGIT.match(rest):  # a part of a meter's number would not be recognised where these are hidden
        kept = _DIGITS_LAST.sub("", kept)
    return kept.rstrip() + "…"
