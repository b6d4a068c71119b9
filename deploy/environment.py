"""``./grdf env``: print ``.env.example`` with new secrets, on any Python 3.9 without set-up.

What only you know stays empty: Docker Compose names it. An output file becomes its owner's alone.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
import sys
from pathlib import Path

FORM = Path(__file__).resolve().parent.parent / ".env.example"
PASSWORDS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "COUCHDB_PASSWORD",
    "COUCHDB_ADMIN_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
)
KEYS = ("JWT_SECRET", "API_SECRET_KEY")


def made() -> dict[str, str]:
    """Return a new value for each variable that can have one."""
    return {
        **{name: secrets.token_hex(16) for name in PASSWORDS},  # in addresses and JSON: letters and digits
        **{name: secrets.token_urlsafe(48) for name in KEYS},
        # A Fernet key: 32 random bytes in base64.
        "FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW_ADMIN_USER": "admin",
    }


def filled(form: str, values: dict[str, str]) -> str:
    """Return the form with values in its empty lines; ``ValueError`` if one has no line."""
    for name, value in values.items():
        form, count = re.subn(rf"(?m)^{name}=$", f"{name}={value}", form)
        if count != 1:
            raise ValueError(f".env.example has no line {name}=")
    return form


def main() -> int:
    """Print the form, and on stderr what is left to do."""
    if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
        os.fchmod(sys.stdout.fileno(), 0o600)
    sys.stdout.write(filled(FORM.read_text(encoding="utf-8"), made()))
    print(
        "grdf: passwords and keys are new. Now fill in GRDF_... in .env, then: docker compose up --build",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
