"""CouchDB's answers and parameters, read and written in one place."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests

from include.gas.errors import ServiceUnavailable


def place(url: str) -> str:
    """Give scheme, host and port alone: ids of documents hold meter numbers, and a URL may hold a login.

    :param url: a URL of CouchDB
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def json_keys(**options: Any) -> dict[str, str]:
    """Write query parameters as CouchDB reads them: each value as JSON.

    :param options: name to value
    """
    return {name: json.dumps(value, ensure_ascii=False) for name, value in options.items()}


def json_object(response: requests.Response) -> dict[str, Any]:
    """Read an answer that must be a JSON object.

    :param response: CouchDB's answer
    :raises ServiceUnavailable: when it is not
    """
    answer = _json(response)
    if not isinstance(answer, dict):
        raise _unreadable(response, "is not a JSON object")
    return answer


def rows_of(response: requests.Response) -> list[dict[str, Any]]:
    """Read the rows of ``_all_docs``, or those of ``_bulk_docs``, which come without an object around them.

    :param response: CouchDB's answer
    :raises ServiceUnavailable: when there are none
    """
    answer = _json(response)
    rows = answer.get("rows") if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(response, "has no rows")
    return rows


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _unreadable(response: requests.Response, what: str) -> ServiceUnavailable:
    return ServiceUnavailable.about(
        account=None, cause=f"CouchDB at {place(response.url)} answered something that {what}"
    )
