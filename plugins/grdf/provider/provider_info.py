"""What Airflow's providers manager reads: connection types, their forms, secret options.

Every process reads it, so it imports nothing of Airflow or ours. A field with "token" in its name has no default:
Airflow hides it, and the form would store ``***``. No field has an ``enum``: the form could not show the choice. GRDF's
client has a port only because Airflow 3.3.2's *Test* in the list needs one (mended in apache/airflow#73298).
"""

from __future__ import annotations

import copy
from typing import Any

GRDF, DELETION, COUCHDB = "grdf", "grdfdelete", "couchdb"
Field = tuple[str, str, dict[str, Any]]
"""A field's label, help, and difference from a text without a default (JSON Schema)."""
OF_CLIENT: dict[str, Field] = {
    "token_url": (
        "Token address",
        "Where GRDF gives tokens. Leave it empty for GRDF's production environment. Airflow shows *** once it is set.",
        {},
    ),
    "scope": (
        "Scope", "Scope of the token. Leave it empty for the path of the ADICT address, such as /adict/v2.", {},
    ),
    "calls_per_second": (
        "Calls per second",
        "What your contract with GRDF allows, over all accounts and machines. GRDF's usual contract: 1.",
        {"type": "number", "default": 1, "exclusiveMinimum": 0},
    ),
    "calls_per_day": (
        "Calls per day", "What your contract with GRDF allows. GRDF's usual contract: 6000.",
        {"type": "integer", "default": 6000, "minimum": 1},
    ),
}  # fmt: skip
OF_ADICT: dict[str, Field] = {
    "authorize_url": (
        "Consent page",
        "GRDF's page where a household agrees (Client Connect). Not needed for the direct way alone.",
        {"default": "https://sofit-sso-oidc.grdf.fr/openam/oauth2/realms/externeGrdf/authorize"},
    ),
    "redirect_uri": (
        "Redirect URI",
        "The address at which households reach this Airflow, with /grdf/callback: their links begin with it, and GRDF "
        "sends them back there, exactly as declared to GRDF. Leave it empty for Airflow's own ([api] base_url).",
        {},
    ),
    "issuer": (
        "Issuer", "The iss that a household's id_token must carry. Leave it empty to derive it from the consent page.",
        {},
    ),
    "id_token_algorithms": (
        "Signature of id_tokens",
        "How GRDF signs a household's id_token: HS with the client secret, others with the public keys below. Leave it "
        "empty for HS256; several are separated by commas. Airflow shows *** once it is set.",
        {},
    ),
    "jwks_url": (
        "Public keys",
        "Address of GRDF's public keys (JWKS). Needed for signatures that begin with RS, PS or ES.", {},
    ),
}  # fmt: skip
OF_COUCHDB: dict[str, Field] = {
    "database_prefix": (
        "Database prefix",
        "What the names of the databases begin with, if CouchDB serves others as well. It may hold a slash, as "
        "Cozy's do.",
        {},
    ),
}
SECRETS = ("alert_notifier_kwargs", "quota_url")
"""Options of ``[grdf]`` with a secret part: Airflow hides them, and reads their ``_CMD``."""
SECRET = {
    "description": "See docs/settings.md.", "version_added": None, "type": "string", "example": None, "default": None,
    "sensitive": True,
}  # fmt: skip


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow asks each provider for, always anew: Airflow adds to it."""
    client = {
        "hidden-fields": ["schema"],
        "relabeling": {"host": "ADICT address", "login": "Client id", "password": "Client secret"},
        "placeholders": {
            "host": "https://api.grdf.fr/adict/v2",
            "port": "443 (Airflow 3.3.2 tests no connection without a port)",
            "login": "sent by GRDF by e-mail",
            "password": "sent by GRDF by text message",
        },
    }
    server = {
        "hidden-fields": [],
        "relabeling": {"schema": "Protocol", "host": "Host", "login": "User", "password": "Password"},
        "placeholders": {"schema": "http or https", "host": "couchdb.example.org", "port": "5984"},
    }
    return {
        "package-name": "airflow-provider-grdf",
        "name": "GRDF",
        "description": "Households' gas data from GRDF's ADICT API, stored in CouchDB.",
        "connection-types": [
            _type(GRDF, "GrdfAdict", "GRDF ADICT", client, _fields(OF_CLIENT | OF_ADICT)),
            _type(DELETION, "GrdfDeletionSecret", "GRDF deletion secret", client, _fields(OF_CLIENT)),
            _type(COUCHDB, "GrdfCouchDB", "CouchDB", server, _fields(OF_COUCHDB)),
        ],
        "config": {"grdf": {"description": "Settings of GRDF.", "options": {name: dict(SECRET) for name in SECRETS}}},
    }


def _type(name: str, hook: str, shown: str, behaviour: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "connection-type": name,
        "hook-class-name": f"grdf.provider.hooks.{hook}",
        "hook-name": shown,
        "ui-field-behaviour": copy.deepcopy(behaviour),
        "conn-fields": fields,
    }


def _fields(of: dict[str, Field]) -> dict[str, Any]:
    return {
        name: {
            "label": label,
            "description": says,
            "schema": {"default": None, **schema, "type": [schema.get("type", "string"), "null"]},
        }
        for name, (label, says, schema) in of.items()
    }
