"""The fields of the connections ``grdf_adict`` and ``grdfgrandlyon_delete``, read and checked in one place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf import settings
from grdf.options import FIGURES, quoted, quoted_id
from grdf.transport.addresses import is_safe, split, what_is_wrong
from include.gas.account.sections.client import DEFAULT, client_of, whose
from include.gas.errors import BadSettings, ClientUnknown
from include.gas.redact import HIDDEN

if TYPE_CHECKING:
    from airflow.sdk import Connection


API_BASE = "https://api.grdf.fr/adict/v2"
TOKEN_URL = "https://adict-connexion.grdf.fr/oauth2/aus5y2ta2uEHjCWIR417/v1/token"
_NUMBER = re.compile(r"[-+0-9.,]{1,20}")
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
    try:
        listed = settings.connections()
    except BadSettings as error:  # it stops nobody who belongs to the usual client
        listed, why = (DEFAULT,), error.cause
    else:
        why = f"which the setting [grdf] connections ({', '.join(listed)}) does not list"
    if named in listed:
        return named
    what = f"its rights belong to the GRDF client of the Airflow connection {named}"
    raise ClientUnknown.about(whose(document), f"{what}, {why}")


def stop_if_doubled(facts: GrdfConnection) -> None:
    """Raise an error if two of ``[grdf] connections`` have one client id.

    One of the two then asks with the rights of the other, for accounts that are not its own. Which of them is wrong is
    not known here, so neither is used. A connection that the setting does not list is somebody's own, or is only being
    tested.

    :param facts: the contents of the connection that is about to be used
    :raises BadSettings: if another connection has the same client id
    """
    try:
        listed = settings.connections()
    except BadSettings:  # whoever needs the list says so
        return
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
        extra = extra_of(connection)
        odd: list[str] = []

        def text(name: str, default: str = "") -> str:
            value = extra.get(name) or default
            if isinstance(value, str):
                return value
            odd.append(f"{name} is not a string")
            return default

        api_base = base_url(connection, default_scheme="https") or API_BASE
        authorize_url = text("authorize_url", AUTHORIZE_URL)
        algorithms = extra.get("id_token_algorithms") or ["HS256"]
        if isinstance(algorithms, str):
            algorithms = [name.strip() for name in algorithms.split(",")]
        if not isinstance(algorithms, list) or not all(isinstance(name, str) for name in algorithms):
            odd.append("id_token_algorithms is not a list of names")
            algorithms = ["HS256"]
        this = cls(
            conn_id=connection.conn_id,
            client_id=connection.login or "",
            client_secret=connection.password or "",
            api_base=api_base,
            token_url=text("token_url", TOKEN_URL),
            authorize_url=authorize_url,
            redirect_uri=text("redirect_uri"),
            scope=text("scope") or split(api_base).path or "/adict/v2",
            issuer=text("issuer") or ("" if what_is_wrong(authorize_url) else issuer_of(authorize_url)),
            id_token_algorithms=tuple(algorithms),
            jwks_url=text("jwks_url"),
            calls_per_second=_positive(extra, "calls_per_second", 1.0, odd),
            calls_per_day=int(_positive(extra, "calls_per_day", 6000, odd, whole=True)),
        )
        if wrong := odd + this._problems():
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
        for name in ("api_base", "token_url", "authorize_url", "jwks_url"):
            value = getattr(self, name)
            place = "host" if name == "api_base" else name
            if value and (fault := what_is_wrong(value)):
                wrong.append(f"{place} is {_address(value)}, {fault}")
            elif value and not is_safe(value):
                wrong.append(
                    f"{place} is {_address(value)}, which anybody on the way could read and change: use an "
                    "https address (http is for this machine only)"
                )
        if any(name.lower() == "none" for name in self.id_token_algorithms):
            wrong.append("id_token_algorithms may not hold 'none': anybody could forge an id_token")
        if not self.jwks_url and any(not name.startswith("HS") for name in self.id_token_algorithms):
            wrong.append("id_token_algorithms names a public-key algorithm, but jwks_url is missing")
        return wrong


def _address(value: str) -> str:
    """Return a wrong address as a message may quote it: without its path, and only if it is one."""
    scheme, is_address, rest = value.partition("://")
    _, is_login, host = rest.rpartition("@")
    place = re.match(r"\[[\da-fA-F:.]*\]|[\w.:-]*", host)
    shown = f"{scheme}://{HIDDEN + '@' if is_login else ''}{place[0] if place else ''}"
    return repr(shown) if is_address and scheme.isalnum() else quoted(value)


def _positive(extra: Mapping[str, Any], name: str, default: float, odd: list[str], *, whole: bool = False) -> float:
    """Return a number above 0, given as a number or as text. Add a message to ``odd`` if it is anything else."""
    given = extra.get(name)
    if given is None or given == "":
        return default
    try:
        number = float("nan") if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        number = float("nan")
    if 0 < number < float("inf") and (number.is_integer() or not whole):
        return number
    text = str(given)
    harmless = _NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) < FIGURES  # anything else may be a secret
    told = f"{given!r}, which is " if harmless else ""
    odd.append(f"{name} is {told}not a {'whole ' if whole else ''}number above 0")
    return default


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
