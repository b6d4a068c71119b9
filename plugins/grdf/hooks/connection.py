"""The fields of our Airflow connections, read and checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf import settings
from grdf.options import quoted_id
from include.gas.account.client import client_of
from include.gas.errors import BadSettings, ClientUnknown

if TYPE_CHECKING:
    from airflow.sdk import Connection


API_BASE = "https://api.grdf.fr/adict/v2"
TOKEN_URL = "https://adict-connexion.grdf.fr/oauth2/aus5y2ta2uEHjCWIR417/v1/token"
AUTHORIZE_URL = "https://sofit-sso-oidc.grdf.fr/openam/oauth2/realms/externeGrdf/authorize"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_ADDRESS = "is not an http(s) address"
HAS_LOGIN = "holds a login before its @, which belongs in the login and the password of the connection"
UNSAFE = (
    "is an address which anybody on the way could read and change: use an https address (http is for this machine only)"
)


def address_fault(url: str, *, carries_secrets: bool = False) -> str:
    """Return why a text is no usable http(s) address, as a clause; ``""`` if it is one.

    A login in it would be quoted by messages.

    :param carries_secrets: whether it must be https, except on this machine
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            return NO_ADDRESS
    except ValueError:  # such as an invalid port
        return NO_ADDRESS
    if "@" in parts.netloc:
        return HAS_LOGIN
    is_here = parts.hostname in LOOPBACK
    return UNSAFE if carries_secrets and parts.scheme != "https" and not is_here else ""


def incomplete_connection(conn_id: str, faults: Mapping[str, str]) -> BadSettings:
    """Return the error for a connection with missing or wrong fields, by the end of a clause for each."""
    wrong = "; ".join(f"{name} {fault}" for name, fault in faults.items() if fault)
    return BadSettings.about(
        None,
        f"the Airflow connection {conn_id} is incomplete: {wrong}",
        f"Set it under Admin, Connections (or in AIRFLOW_CONN_{conn_id.upper()}).",
    )


def airflow_connection(conn_id: str) -> Connection:
    """Return an Airflow connection; an error if it is missing or unreadable."""
    try:
        return BaseHook.get_connection(conn_id)
    except (AirflowNotFoundException, ValueError):  # without their texts, which may contain the input
        named = quoted_id(conn_id)  # the connection itself may be in the place of its name
        raise BadSettings.about(
            None,
            f"Airflow has no connection {named}, or cannot read it",
            f"Set it under Admin, Connections (or in AIRFLOW_CONN_{named.upper()}), or correct the setting that names "
            "it.",
        ) from None


def connection_of(document: Mapping[str, Any]) -> str:
    """Return the connection of an account's client, which ``[grdf] connections`` must list."""
    named = client_of(document)
    listed = settings.connections.or_default()
    if named in listed:
        return named
    raise ClientUnknown.about(
        str(document.get("_id")),
        f"its rights belong to the GRDF client of the Airflow connection {named}, which the setting [grdf] connections "
        f"({', '.join(listed)}) does not list",
    )


def check_client_unique(facts: GrdfConnection) -> None:
    """Raise an error if another of ``[grdf] connections`` has this client id: it would use the other's rights.

    Which one is wrong is unknown, so neither is used. Unlisted connections do not count.
    """
    listed = settings.connections.or_default()
    for name in listed if facts.conn_id in listed else ():
        try:
            same = name != facts.conn_id and BaseHook.get_connection(name).login == facts.client_id
        except Exception:  # noqa: BLE001 - a connection that cannot be read stops its own accounts only, which say so
            continue
        if same:
            raise BadSettings.about(
                None,
                f"the Airflow connections {facts.conn_id} and {name} have the same client id (login)",
                "GRDF was not asked. Set each to the login and password that GRDF sent for that client, under Admin, "
                "Connections (or in AIRFLOW_CONN_…).",
            )


def extra_of(connection: Connection) -> Mapping[str, Any]:
    """Return the extra of a connection. Invalid JSON is an error, not empty as in Airflow.

    GRDF's production API, or databases without a prefix, would take the place of what was meant.
    """
    try:
        msgspec.json.decode((connection.extra or "").strip() or "{}", type=dict)
    except (msgspec.MsgspecError, RecursionError):
        raise incomplete_connection(connection.conn_id, {"its extra": "is not a JSON object"}) from None
    return connection.extra_dejson  # this also masks its secrets in the logs


@dataclass(frozen=True)
class GrdfConnection:
    """The contents of a GRDF connection; its ``repr`` lacks the secret.

    :param scope: GRDF's is the path of the API base (ADICT 2.3)
    :param issuer: the required ``iss``; by default :func:`issuer_of`
    :param jwks_url: the provider's public keys, for RS and ES; may be empty
    :param calls_per_second: over all endpoints (ADICT 3.8)
    """

    conn_id: str
    client_id: str
    client_secret: str = field(repr=False)
    api_base: str = API_BASE
    token_url: str = TOKEN_URL
    authorize_url: str = AUTHORIZE_URL
    redirect_uri: str = ""
    scope: str = ""
    issuer: str = ""
    id_token_algorithms: tuple[str, ...] = ("HS256",)
    jwks_url: str = ""
    calls_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    calls_per_day: Annotated[int, msgspec.Meta(gt=0)] = 6000

    @classmethod
    def from_airflow(cls, connection: Connection) -> GrdfConnection:
        """Read a connection of any type; ``BadSettings`` names all that is missing or wrong."""
        extra = {name: value for name, value in extra_of(connection).items() if value not in (None, "", [])}
        if isinstance(names := extra.get("id_token_algorithms"), str):
            extra["id_token_algorithms"] = [name.strip() for name in names.split(",")]
        fields = {
            "conn_id": connection.conn_id,
            "client_id": connection.login or "",
            "client_secret": connection.password or "",
            "api_base": base_url(connection, default_scheme="https") or API_BASE,
        }
        try:
            this = msgspec.convert(extra | fields, cls, strict=False)
        except msgspec.ValidationError as error:  # names the field and its type, not its content
            said, _, where = str(error).partition(" - at `$.")
            raise incomplete_connection(
                connection.conn_id, {f"{where.rstrip('`')} in its extra": f"is wrong ({said})"}
            ) from None
        if any((faults := this.faults()).values()):
            raise incomplete_connection(this.conn_id, faults)
        scope = this.scope or urlsplit(this.api_base).path or "/adict/v2"
        return replace(this, scope=scope, issuer=this.issuer or issuer_of(this.authorize_url))

    def faults(self) -> dict[str, str]:
        """Return what is missing or wrong by field; ``""`` where nothing is."""
        addresses = {"host": self.api_base, "token_url": self.token_url, "authorize_url": self.authorize_url}
        faults = {
            "login": "" if self.client_id else "(GRDF's client id) is missing",
            "password": "" if self.client_secret else "(GRDF's client secret) is missing",
            **{name: address_fault(url, carries_secrets=True) for name, url in addresses.items()},
        }
        if self.jwks_url:
            faults["jwks_url"] = address_fault(self.jwks_url, carries_secrets=True)
        elif any(not name.startswith("HS") for name in self.id_token_algorithms):
            faults["jwks_url"] = "is missing, but id_token_algorithms names a public-key algorithm"
        if any(name.lower() == "none" for name in self.id_token_algorithms):
            faults["id_token_algorithms"] = "may not hold 'none': anybody could forge an id_token"
        return faults


def issuer_of(authorize_url: str) -> str:
    """Return the issuer of an authorize page, as GRDF's ForgeRock OpenAM has it (ADICT 2.4).

    With the port, even the default one, and without ``realms/``: ``https://host/openam/oauth2/realms/x/authorize`` has
    ``https://host:443/openam/oauth2/x``.
    """
    parts = urlsplit(authorize_url)
    path = parts.path.removesuffix("/authorize").replace("/realms/", "/")
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}{path}"


def base_url(connection: Connection, *, default_scheme: str) -> str:
    """Return the URL of a connection's host, port and schema, without a trailing slash; empty without a host.

    ``host`` may be a whole URL. From a URI, Airflow stores the path as the schema, so another schema than ``http`` or
    ``https`` is a path.
    """
    host, schema, path = connection.host or "", connection.schema or "", ""
    if not host:
        return ""
    if schema not in ("", "http", "https"):
        schema, path = "", "/" + schema.strip("/")
    if "://" not in host:
        here = host.partition(":")[0].partition("/")[0] in LOOPBACK
        scheme = "https" if connection.conn_type == "https" else "http" if here else default_scheme
        host = f"{schema or scheme}://{host}"
    scheme, _, rest = host.partition("://")
    place, slash, tail = rest.rstrip("/").partition("/")
    if connection.port and place and ":" not in place.rpartition("@")[2].rpartition("]")[2]:
        place += f":{connection.port}"
    return f"{scheme}://{place}{slash}{tail}{path}"
