"""CouchDB's query parameters and answers, written and read in one place."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import excerpt

LOCKED_OUT = "temporarily locked due to multiple authentication failures"
"""The text by which a lockout of CouchDB 3.4 and later, ``[chttpd_auth_lockout]``, differs from any other 403."""
LOCKOUT_SECONDS = 300.0
"""How long a lockout lasts in seconds unless CouchDB is configured otherwise (``max_lifetime``)."""


def place(url: str) -> str:
    """Return scheme, host and port alone: document ids contain meter numbers, and a URL may contain a login.

    :param url: a URL of CouchDB
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def json_keys(**options: Any) -> dict[str, str]:
    """Return query parameters as CouchDB reads them: each value as JSON."""
    return {name: json.dumps(value, ensure_ascii=False) for name, value in options.items()}


def checked(response: requests.Response, conn_id: str) -> requests.Response:
    """Return an answer if it is a success.

    :param conn_id: the Airflow connection, for messages
    :raises BadSettings: if a person must correct the connection or the server
    :raises ServiceUnavailable: for anything that may be temporary, including a login that is locked because another
        program sent wrong passwords
    """
    if response.is_redirect:
        raise BadSettings.about(
            account=None,
            cause=f"CouchDB at {place(response.url)} answered {response.status_code}, which names another address",
            next_step=f"Set the Airflow connection {conn_id} to the address at which CouchDB itself answers.",
        )
    if response.ok:
        return response
    answer = _json(response)
    reason = str(answer.get("reason") if isinstance(answer, dict) else response.reason)
    where = f"CouchDB at {place(response.url)} answered {response.status_code} ({excerpt(reason)})"
    if response.status_code == 403 and LOCKED_OUT in reason.lower():
        raise ServiceUnavailable.about(
            account=None,
            cause=where,
            next_step=f"The login of the Airflow connection {conn_id} may be right: after a program has sent "
            "wrong passwords, CouchDB locks the login for some minutes for all programs on the same "
            "machine. It is tried again automatically. If this continues, look on this machine for a "
            "program that still uses an old password (another Airflow's connection, a service that was "
            "not restarted since the password changed) and correct it.",
            retry_after=LOCKOUT_SECONDS,
        )
    if response.status_code in (401, 403):
        raise BadSettings.about(
            account=None,
            cause=where,
            next_step=f"Check login and password of the Airflow connection {conn_id}. Run ./grdf couchdb setup "
            "to give its user access to the databases.",
        )
    if response.status_code in (400, 404, 405, 412, 413, 415):
        raise BadSettings.about(
            account=None,
            cause=where,
            next_step=f"Check that the Airflow connection {conn_id} names a CouchDB 3 server. If it does, CouchDB "
            "refuses what was sent to it, for the reason above; another login or address does not help then.",
        )
    raise ServiceUnavailable.about(account=None, cause=where)


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer.

    :raises ServiceUnavailable: if the answer is anything else
    """
    answer = _json(response)
    if not isinstance(answer, dict):
        raise _unreadable(response, "is not a JSON object")
    return answer


def rows_of(response: requests.Response) -> list[dict[str, Any]]:
    """Return the rows of ``_all_docs``, or those of ``_bulk_docs``, which have no object around them.

    :raises ServiceUnavailable: if there are no rows
    """
    answer = _json(response)
    rows = answer.get("rows") if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(response, "has no rows")
    return rows


def docs_of(response: requests.Response, *, may_be_missing: bool = False) -> list[dict[str, Any]]:
    """Return the rows of ``_all_docs`` with their documents.

    A row that CouchDB could not read, for example because a shard of a cluster does not answer, has an ``error``
    instead of a document. Leaving it out would make totals too low.

    :param response: the answer to a request with ``include_docs``
    :param may_be_missing: whether documents were requested by id, so that some may not exist
    :return: rows that each have a ``doc``
    :raises ServiceUnavailable: if a document that exists could not be read
    """
    found: list[dict[str, Any]] = []
    for row in rows_of(response):
        value = row.get("value")
        gone = row.get("error") == "not_found" or (isinstance(value, dict) and value.get("deleted") is True)
        if row.get("doc") and "error" not in row:
            found.append(row)
        elif not (may_be_missing and gone):
            said = excerpt(str(row.get("error") or "no document"))
            raise ServiceUnavailable.about(
                account=None,
                cause=f"CouchDB at {place(response.url)} could not read a document that it holds ({said})",
                next_step="Nothing was changed; it is tried again automatically. If this continues, check "
                "CouchDB's shards.",
            )
    return found


def _json(response: requests.Response) -> Any:
    try:
        return msgspec.json.decode(response.content)  # a year of days takes half as long as with requests
    except (msgspec.MsgspecError, RecursionError):
        pass  # such as half a surrogate pair, which the embedded server stores and msgspec does not take
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _unreadable(response: requests.Response, what: str) -> ServiceUnavailable:
    return ServiceUnavailable.about(account=None, cause=f"CouchDB at {place(response.url)} sent an answer that {what}")
