"""Hides tokens, secrets, codes and e-mail addresses in foreign text: ``dag.test()`` masks nothing."""

from __future__ import annotations

import re
import traceback

HIDDEN = "[hidden]"

READ = 20_000
"""Characters of a foreign message read for an excerpt: it may have megabytes."""

NAMES_CODE = (AttributeError, ImportError, NameError, TypeError)
"""Errors whose texts name types and attributes. Those of others quote values, which may be a person's."""

_SECRET_NAMES = (
    # With any prefix: access_token, client_secret, X-Amz-Security-Token, X-Goog-Signature.
    r"[\w-]*(?:token|secret|password|passwd|signature)"
    # Whole names only: error_code, for example, is not a secret.
    r"|client_assertion|id_token_hint|code|code_verifier|nonce|login_hint|sig|api_?key|[\w-]*credential|awsaccesskeyid"
    # What clients of object stores take: aws_secret_access_key, account_key.
    r"|[\w-]*(?:access|account|private|secret|shared)_?key(?:_?id)?"
)
"""OAuth secrets, and parameters of signed object-store URLs (S3, Google, Azure, CloudFront) and their clients."""
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # JSON members first: their values may contain spaces, where the query form stops. One without an end was cut.
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
    # A login in an address, up to the last @: a password may hold any sign that ends a host.
    (re.compile(r"(://)(?:(?!://)[^\s\"'<>])*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LOGIN = re.compile(r"[^/@:]*:(?!//|[0-9]*(?:/|\Z))[^@]*@", re.DOTALL)
"""A login before a host without a scheme. A password may hold a slash; digits alone before one are a port."""
_DIGIT, _DIGITS_LAST = re.compile("[0-9]"), re.compile(r"(?<![0-9])(?:GI)?[0-9]+\Z")


def redact(text: str) -> str:
    """Replace secrets with ``[hidden]``: tokens, secret-looking parameters, passwords in URLs, e-mail addresses."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_address(url: str) -> str:
    """Return an address without all before its last ``@``: a password may hold any character."""
    before, at, rest = url.rpartition("@")
    scheme = _SCHEME.match(before)
    return redact(f"{scheme[0] if scheme else ''}{HIDDEN}@{rest}" if at else url)


def holds_password(url: str) -> bool:
    """Return whether an address has a password before its host; a name alone is usual (``s3://connection@bucket``)."""
    scheme = _SCHEME.match(url)
    return _LOGIN.match(url, scheme.end() if scheme else 0) is not None


def describe_traceback(error: BaseException) -> str:
    """Return where an error was raised, with Python's text about it if that names code, and never a value."""
    said = f": {excerpt(str(error))}" if isinstance(error, NAMES_CODE) else ""
    return f"{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}{said}"


def excerpt(text: str, limit: int = 160) -> str:
    """Return a foreign message fit to quote: redacted, on one line, cut to ``limit`` characters."""
    is_long = len(text) > READ
    if is_long:
        text = text[:READ].rpartition(" ")[0]  # half a secret would not be recognised
    line = " ".join(redact(text).split())
    if len(line) <= limit and not is_long:
        return line
    kept, rest = line[: limit - 1], line[limit - 1 :]
    if _DIGIT.match(rest):  # half a meter number would not be recognised
        kept = _DIGITS_LAST.sub("", kept)
    return kept.rstrip() + "…"
