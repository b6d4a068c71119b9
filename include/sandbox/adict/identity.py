"""The invented clients of the sandbox, their companies, and the addresses for a connection.

Each company (*third party*) has its rights, its quota, a *data* client and a *delete* client, which may only list and
revoke rights. The wrong one gets 403, and the request log names the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
API_PATH: Final = "/adict/v2"
REALM_PATH: Final = "/openam/oauth2/realms/externeGrdf"
# GRDF's real issuer has the realm without ``realms/``, too.
ISSUER_PATH: Final = "/openam/oauth2/externeGrdf"

DATA_CLIENT_ID: Final = "sandbox_data_grdf"
DATA_CLIENT_SECRET: Final = "sandbox-data-secret-invented-0123456789abcdef"
DELETE_CLIENT_ID: Final = "sandbox_delete_grdf"
DELETE_CLIENT_SECRET: Final = "sandbox-delete-secret-invented-fedcba9876543210"
DEFAULT_REDIRECT_URI: Final = "http://localhost:8080/grdf/callback"

COMPANY: Final = "TIERS-EXEMPLE"
SERVICE_USER: Final = "sandbox-user"


@dataclass(frozen=True, slots=True)
class Party:
    """A third party with its two clients."""

    company: str
    client_id: str
    client_secret: str = field(repr=False)
    delete_client_id: str
    delete_client_secret: str = field(repr=False)


def _party(name: str, company: str) -> Party:
    return Party(
        f"{COMPANY}-{company}",
        f"sandbox_data_{name}",
        f"sandbox-{name}-data-secret-invented-0246813579abcdef",
        f"sandbox_delete_{name}",
        f"sandbox-{name}-delete-secret-invented-fedcba9753186420",
    )


FIRST: Final = Party(COMPANY, DATA_CLIENT_ID, DATA_CLIENT_SECRET, DELETE_CLIENT_ID, DELETE_CLIENT_SECRET)
SECOND: Final = _party("south", "SUD")
PARTIES: Final = (FIRST, SECOND, _party("3", "3"), _party("4", "4"))
"""Enough for an Airflow with several clients."""


def company_of(client_id: str | None) -> str:
    """Return the company of a client."""
    return next((each.company for each in PARTIES if client_id in (each.client_id, each.delete_client_id)), "")


def may_revoke(client_id: str | None) -> bool:
    """Return whether a client can revoke rights, and nothing else."""
    return any(each.delete_client_id == client_id for each in PARTIES)


def issuer(port: int) -> str:
    """Return the ``iss`` claim of a sandbox on a port of 127.0.0.1."""
    return f"http://{HOST}:{port}{ISSUER_PATH}"


def connection_facts(port: int, redirect_uri: str = DEFAULT_REDIRECT_URI) -> dict[str, str]:
    """Return everything a client needs, under the names that ``./grdf sandbox`` prints."""
    base = f"http://{HOST}:{port}"
    return {
        "adict_base": base + API_PATH,
        "token_url": f"{base}{REALM_PATH}/access_token",
        "authorize_url": f"{base}{REALM_PATH}/authorize",
        "client_id": DATA_CLIENT_ID,
        "client_secret": DATA_CLIENT_SECRET,
        "delete_client_id": DELETE_CLIENT_ID,
        "delete_client_secret": DELETE_CLIENT_SECRET,
        "redirect_uri": redirect_uri,
        "issuer": issuer(port),
        "jwks_url": f"{base}{REALM_PATH}/connect/jwk_uri",
        "control_url": base + "/sandbox",
    }
