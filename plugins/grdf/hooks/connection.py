"""The fields of the connections ``grdf_adict`` and ``grdfgrandlyon_delete``, read and checked in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf import dag_settings
from grdf.options import quoted_id
from grdf.transport.addresses import is_safe, split, what_is_wrong
from include.gas.account.sections.client import client_of, whose
from include.gas.errors import BadSettings, ClientUnknown

if TYPE_CHECKING:
    from airflow.sdk import Connection


API_BASE = "https://api.grdf.fr/adict/v2"
TOKEN_URL = "https://adict-connexion.grdf.fr/oauth2/aus5y2ta2uEHjCWIR417/v1/token"
AUTHORIZE_URL = "https://sofit-sso-oidc.grdf.fr/openam/oauth2/realms/externeGrdf/authorize"


def airflow_connection(conn_id: str) -> Connection:
    """Return an Airflow connection.

    :raises BadSettings: if Airflow has no connection with this id, or it cannot be read
    """
    try:
        return BaseHook.get_connection(conn_id)
    except (AirflowNotFoundException, ValueError):  # leave out their texts, which may contain the input
        named = quoted_id(conn_id)  # a setting names some, where somebody may have put the connection itself
        shown = named == conn_id
        raise BadSettings.about(
            account=None,
            cause=f"Airflow has no connection {named}, or cannot read it",
            next_step=f"Set it under Admin, Connections (or in AIRFLOW_CONN_{named.upper()})."
            if shown
            else "What a setting names is not the id of a connection. Write the id there.",
        ) from None


def connection_of(document: Mapping[str, Any]) -> str:
    """Return the Airflow connection with which GRDF is asked for an account.

    :param document: the account's document, or the record of its deletion
    :raises ClientUnknown: if it names something odd, or what ``[grdf] connections`` does not list
    """
    named = client_of(document)
    listed = dag_settings.connections()
    if named in listed:
        return named
    raise ClientUnknown.about(
        whose(document),
        f"its rights belong to the GRDF client of the Airflow connection {named}, which the setting [grdf] connections "
        f"({', '.join(listed)}) does not list",
    )


def stop_if_doubled(facts: GrdfConnection) -> None:
    """Raise an error if two of ``[grdf] connections`` have one client id.

    One of the two then asks with the rights of the other, for accounts that are not its own. Which of them is wrong is
    not known here, so neither is used. A connection that the setting does not list is somebody's own, or is only being
    tested.

    :param facts: the contents of the connection that is about to be used
    :raises BadSettings: if another connection has the same client id
    """
    listed = dag_settings.connections()
    others = [name for name in listed if name != facts.conn_id] if facts.conn_id in listed else []
    if same := [name for name in others if _login_of(name) == facts.client_id]:
        raise BadSettings.about(
            account=None,
            cause=f"the Airflow connections {facts.conn_id} and {' and '.join(same)} have the same client id (login), "
            "so accounts of one would be asked for with the rights of the other",
            next_step="GRDF was not asked. Set each to the login and password that GRDF sent for that client, under "
            "Admin, Connections (or in AIRFLOW_CONN_…).",
        )


def _login_of(conn_id: str) -> str | None:
    try:
        return BaseHook.get_connection(conn_id).login
    except Exception:  # noqa: BLE001 - a connection that cannot be read stops its own accounts only, which say so
        return None


def extra_of(connection: Connection) -> Mapping[str, Any]:
    """Return the extra of a connection. Unlike Airflow, do not treat invalid JSON as empty.

    Otherwise GRDF's production API, or databases without their prefix, would be used instead of what was meant.

    :raises BadSettings: if there is an extra and it is not a JSON object
    """
    text = connection.extra
    try:
        extra = json.loads(text) if text and text.strip() else {}
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise BadSettings.about(
            account=None,
            cause=f"the extra of the Airflow connection {connection.conn_id} is not a JSON object",
            next_step="GRDF was not asked. Correct it under Admin, Connections (or in "
            f"AIRFLOW_CONN_{connection.conn_id.upper()}).",
        )
    return connection.extra_dejson  # this also masks its secrets in the logs


@dataclass(frozen=True)
class GrdfConnection:
    """The contents of a GRDF connection. The secret is left out of its ``repr``.

    :param conn_id: Airflow's connection id, for messages
    :param client_id: the client id that GRDF sent by e-mail
    :param client_secret: the secret that GRDF sent by text message
    :param api_base: base URL of ADICT, without a trailing slash
    :param token_url: OAuth token endpoint
    :param authorize_url: Client Connect's page
    :param redirect_uri: where Client Connect sends the household back, as declared to GRDF; may be empty
    :param scope: scope of the data token; GRDF's is the path of the API base (ADICT 2.3)
    :param issuer: the ``iss`` that an ``id_token`` must carry; derived from ``authorize_url`` by :func:`issuer_of` by
        default
    :param id_token_algorithms: signature algorithms accepted for an ``id_token``
    :param jwks_url: address of the provider's public keys, for the RS and ES algorithms; may be empty
    :param calls_per_second: the client's quota: calls per second over all endpoints (ADICT 3.8)
    :param calls_per_day: the client's quota: calls per day
    """

    conn_id: str
    client_id: str
    client_secret: str = field(repr=False)
    api_base: str = API_BASE
    token_url: str = TOKEN_URL
    authorize_url: str = AUTHORIZE_URL
    redirect_uri: str = ""
    scope: str = "/adict/v2"
    issuer: str = ""
    id_token_algorithms: tuple[str, ...] = ("HS256",)
    jwks_url: str = ""
    calls_per_second: float = 1.0
    calls_per_day: int = 6000

    @classmethod
    def read(cls, connection: Connection) -> GrdfConnection:
        """Read an Airflow connection of any type.

        :param connection: ``host`` is the API base, with or without its scheme
        :raises BadSettings: names every field that is missing or wrong, in one message
        """
        found, wrong = _typed(extra_of(connection))
        api_base = base_url(connection, default_scheme="https") or API_BASE
        authorize_url = found.get("authorize_url", AUTHORIZE_URL)
        derived = {
            "scope": split(api_base).path or "/adict/v2",
            "issuer": "" if what_is_wrong(authorize_url) else issuer_of(authorize_url),
        }
        this = cls(
            conn_id=connection.conn_id,
            client_id=connection.login or "",
            client_secret=connection.password or "",
            api_base=api_base,
            **(derived | found),
        )
        if wrong := wrong + this._problems():
            raise BadSettings.about(
                account=None,
                cause=f"the Airflow connection {this.conn_id} is incomplete: {'; '.join(wrong)}",
                next_step=f"Set it under Admin, Connections (or in AIRFLOW_CONN_{this.conn_id.upper()}).",
            )
        return this

    def _problems(self) -> list[str]:
        wrong = []
        if not self.client_id:
            wrong.append("login (GRDF's client id) is missing")
        if not self.client_secret:
            wrong.append("password (GRDF's client secret) is missing")
        places = {"host": self.api_base, "token_url": self.token_url, "authorize_url": self.authorize_url}
        for place, value in (places | ({"jwks_url": self.jwks_url} if self.jwks_url else {})).items():
            if fault := what_is_wrong(value):
                wrong.append(f"{place} {fault}")
            elif not is_safe(value):
                wrong.append(
                    f"{place} is an address which anybody on the way could read and change: use an https address "
                    "(http is for this machine only)"
                )
        if any(name.lower() == "none" for name in self.id_token_algorithms):
            wrong.append("id_token_algorithms may not hold 'none': anybody could forge an id_token")
        if not self.jwks_url and any(not name.startswith("HS") for name in self.id_token_algorithms):
            wrong.append("id_token_algorithms names a public-key algorithm, but jwks_url is missing")
        return wrong


_TEXT = (str, "a string")
_EXTRA: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("token_url", "authorize_url", "redirect_uri", "scope", "issuer", "jwks_url"), _TEXT),
    "id_token_algorithms": (str | list[str], "a list of names"),
    "calls_per_second": (Annotated[float, msgspec.Meta(gt=0, le=1e6)], "a number above 0"),
    "calls_per_day": (Annotated[int, msgspec.Meta(gt=0)], "a whole number above 0"),
}
"""The type of each field, and what it is in words."""


def _typed(extra: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of an extra that are not empty, and what is wrong with the others. Numbers may be texts."""
    found, wrong = {}, []
    for name, (kind, words) in _EXTRA.items():
        if (given := extra.get(name)) not in (None, "", []):
            try:
                found[name] = msgspec.convert(given, kind, strict=False)
            except msgspec.ValidationError:  # what is written may be a secret
                wrong.append(f"{name} is not {words}")
    named = found.get("id_token_algorithms", "HS256")
    listed = named.split(",") if isinstance(named, str) else named
    return found | {"id_token_algorithms": tuple(name.strip() for name in listed)}, wrong


def issuer_of(authorize_url: str) -> str:
    """Return the issuer that belongs to an authorize page, following GRDF's server (ForgeRock OpenAM).

    It names the port even if that is the scheme's default, and the realm without ``realms/`` (ADICT 2.4):
    ``https://host/openam/oauth2/realms/x/authorize`` belongs to ``https://host:443/openam/oauth2/x``.
    """
    parts = urlsplit(authorize_url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 443)
    path = parts.path.removesuffix("/authorize").replace("/realms/", "/")
    return f"{parts.scheme}://{parts.hostname}:{port}{path}"


def base_url(connection: Connection, *, default_scheme: str) -> str:
    """Return the URL made of a connection's host, port and schema, in whatever form the connection was written.

    ``host`` may be a whole URL. When a connection is given as a URI, Airflow stores the path as the schema (Airflow
    doc, "Managing Connections"). A schema that is neither ``http`` nor ``https`` is therefore appended as the path.

    :param default_scheme: scheme for a host without one; a host on this machine gets ``http``
    :return: the URL without a trailing slash; empty if there is no host
    """
    host = connection.host or ""
    host = host if host.endswith("://") else host.rstrip("/")
    if not host:
        return ""
    schema, path = connection.schema or "", ""
    if schema not in ("", "http", "https"):
        schema, path = "", "/" + schema.strip("/")
    if "://" not in host:
        here = host.partition(":")[0].partition("/")[0] in ("localhost", "127.0.0.1")
        scheme = "https" if connection.conn_type == "https" else "http" if here else default_scheme
        host = f"{schema or scheme}://{host}"
    place = split(host).netloc
    if connection.port and place and ":" not in place.rpartition("@")[2].rpartition("]")[2]:
        host = host.replace(place, f"{place}:{connection.port}", 1)
    return host + path
