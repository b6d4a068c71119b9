"""Hides what must never be shown: tokens, secrets, codes, e-mail addresses.

Everything that comes from outside (answers, exceptions of libraries) passes here before it reaches a log or a message,
because not every way of running a DAG masks secrets (``dag.test()`` does not).
"""

from __future__ import annotations

import re

HIDDEN = "[hidden]"

_SECRET_NAMES = (
    # Whatever stands before these: access_token, client_secret, X-Amz-Security-Token, X-Goog-Signature.
    r"[\w-]*(?:token|secret|password|passwd|signature)"
    # Of other names the whole: an error_code is none.
    r"|client_assertion|id_token_hint|code|code_verifier|nonce|login_hint|sig|api_?key|[\w-]*credential|awsaccesskeyid"
)
"""The names of OAuth's secrets, and those in signed addresses of object stores (S3, Google, Azure, CloudFront)."""
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A JSON member first: its value may hold blanks, which the query form below would stop at.
    (
        re.compile(rf"""(["'](?:{_SECRET_NAMES})["']\s*:\s*)(["'])(?:\\.|(?!\2)[^\\])*\2""", re.IGNORECASE),
        rf"\1\2{HIDDEN}\2",
    ),
    (re.compile(rf"(?<![\w-])((?:{_SECRET_NAMES})=)[^\s&\"'<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic)\s+(?!\[hidden\])[^\s\"',;]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"(://)[^\s/@:]*:[^\s/@]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)


def redact(text: str) -> str:
    """Replace every secret found in a text by "[hidden]".

    :param text: any text, for example an answer's body or an exception's message.
    :return: the same text without Bearer tokens, JSON web tokens, values of secret-looking parameters, passwords in
        URLs and e-mail addresses. Doing it twice changes nothing more.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def excerpt(text: str, limit: int = 160) -> str:
    """Make somebody else's message fit for one of ours: redacted, on one line, cut.

    :param text: the message as received.
    :param limit: the most characters to keep.
    """
    line = " ".join(redact(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
