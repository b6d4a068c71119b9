"""Which addresses secrets, tokens and documents may be sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

NO_ADDRESS = "is not an http(s) address"
HAS_LOGIN = "holds a login before its @, which belongs in the login and the password of the connection"


def split(url: str) -> SplitResult:
    """Return the parts of an address. An address that cannot be split has empty parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def what_is_wrong(url: str) -> str:
    """Return why a text is not an http(s) address with a host; ``""`` if it is one.

    A login in an address would be told with it, in messages and in lineage.

    :return: what is said of it, such as "is not an http(s) address"
    """
    parts = split(url)
    try:
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            return NO_ADDRESS
    except ValueError:  # an invalid port
        return NO_ADDRESS
    return HAS_LOGIN if "@" in parts.netloc else ""


def is_safe(url: str) -> bool:
    """Return whether secrets, tokens and keys may travel to and from an address: over TLS, or within this machine.

    :param url: an address, see :func:`what_is_wrong`
    """
    return split(url).scheme == "https" or is_this_machine(url)


def is_this_machine(url: str) -> bool:
    """Return whether an address is on this machine, by a name that cannot mean another.

    :param url: an address, see :func:`what_is_wrong`
    """
    host = split(url).hostname
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:  # a host name: it may resolve to any machine
        return False
