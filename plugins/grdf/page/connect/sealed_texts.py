"""Sealed texts for browsers and links: Fernet, with keys by HKDF (RFC 5869) from ``[api] secret_key``."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TypeVar

import msgspec
from airflow.sdk import conf
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from include.gas.errors import BadSettings

Content = TypeVar("Content")


def seal(content: object) -> str:
    """Return the sealed text for a dataclass of texts; ``BadSettings`` without a secret key."""
    return _fernet(type(content)).encrypt(msgspec.json.encode(content)).decode()


def unseal(text: str, kind: type[Content], seconds: int) -> Content | None:
    """Return what was sealed here, of this kind and in time, or ``None``; ``BadSettings`` without a secret key."""
    try:
        return msgspec.json.decode(_fernet(kind).decrypt(text.encode(), ttl=seconds), type=kind)
    except (InvalidToken, msgspec.MsgspecError):
        return None


def _fernet(kind: type) -> Fernet:
    secret = str(conf.get("api", "secret_key", fallback=""))
    if not secret or secret == "{SECRET_KEY}":  # Airflow's public placeholder
        raise BadSettings.about(
            account=None,
            cause="there is no secret for sealing what the page sends to browsers",
            next_step="Set [api] secret_key, which all of Airflow's API servers share.",
        )
    of_kind = HKDF(SHA256(), length=32, salt=None, info=f"grdf page: {kind.__name__}".encode())
    return Fernet(urlsafe_b64encode(of_kind.derive(secret.encode())))
