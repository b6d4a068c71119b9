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
    # What clients of object stores take as arguments: aws_secret_access_key, account_key.
    r"|[\w-]*(?:access|account|private|secret|shared)_?key(?:_?id)?"
)
"""Parameter names of OAuth secrets, of signed object-store URLs (S3, Google, Azure, CloudFront) and their clients."""
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
    # A login in an address, up to the last @: a password may hold any of the signs that end a host.
    (re.compile(r"(://)(?:(?!://)[^\s\"'<>])*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LOGIN = re.compile(r"[^/@:]*:(?!//|[0-9]*(?:/|\Z))[^@]*@", re.DOTALL)
"""A name and a password, at the start of an address without its scheme. A password may hold a slash, as secret keys of
S3 do; what has digits alone before its first slash is a host with its port."""
_DIGIT, _DIGITS_LAST = re.compile("[0-9]"), re.compile(r"(?<![0-9])(?:GI)?[0-9]+\Z")


def redact(text: str) -> str:
    """Replace every secret in a text with ``[hidden]``.

    :param text: any text, for example the body of an answer or the message of an exception
    :return: the text without Bearer tokens, JSON web tokens, values of parameters with secret-looking names, passwords
        in URLs, and e-mail addresses
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_address(url: str) -> str:
    """Return an address as a message may quote it: whatever stands before its last ``@`` is hidden, too.

    A password may hold any character, also one that ends the host for whoever splits the address. So an ``@`` in a path
    hides more than it must.
    """
    before, at, rest = url.rpartition("@")
    scheme = _SCHEME.match(before)
    return redact(f"{scheme[0] if scheme else ''}{HIDDEN}@{rest}" if at else url)


def holds_password(url: str) -> bool:
    """Return whether an address of any scheme, or without one, has a name and a password before its host.

    A name alone is none: ``s3://connection@bucket`` and ``abfs://container@account`` are usual.
    """
    scheme = _SCHEME.match(url)
    return _LOGIN.match(url, scheme.end() if scheme else 0) is not None


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
