"""The sandbox's RSA key for ``id_token``, generated once and kept in the state."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from joserfc.jwk import RSAKey

from include.sandbox.adict.store import Store


@lru_cache(maxsize=4)
def rsa_key(store: Store) -> RSAKey:
    """Return the private key (2048 bits). It is generated on first use."""
    with store.lock:
        rows = store.rows("SELECT value FROM keys WHERE name = 'rsa'")
        if rows:
            return RSAKey.import_key(json.loads(rows[0][0]))
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)
        store.run("INSERT INTO keys VALUES ('rsa', ?)", json.dumps(key.as_dict(private=True)))
        return key


def public_keys(store: Store) -> dict[str, Any]:
    """Return the JWKS document."""
    return {"keys": [rsa_key(store).as_dict(private=False)]}
