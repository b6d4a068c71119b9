"""Why a household cannot be connected, or not now."""

from __future__ import annotations


class Stop(Exception):
    """The reason, which a page tells the visitor. What only operators may read is a ``GasError``.

    :param key: names the texts ``connect.<key>.title``, ``.what`` and ``.next``
    :param status: the HTTP status of that page
    :param cause: a value for the texts; must not contain secrets
    :param again: the address for starting again, if it is not where the visitor began
    """

    def __init__(self, key: str, status: int, cause: str = "", again: str = "") -> None:
        super().__init__(key)
        self.key = f"connect.{key}"
        self.status = status
        self.cause = cause
        self.again = again
