"""What Airflow hides in logs. Tests make new secrets all the time, and a process that hides them all becomes slow."""

from __future__ import annotations

import sys

MASKERS = ("airflow._shared.secrets_masker", "airflow.sdk._shared.secrets_masker")


def forget_masks() -> None:
    """Let Airflow hide only its own settings' secrets again, and others once they are read again.

    It joins all secrets to one regular expression, which it compiles again with each new one. In a process that runs
    hundreds of tests, an eighth of the time went there.
    """
    for name in MASKERS:
        if masker := sys.modules.get(name):
            masker._secrets_masker().reset_masker()
    if configuration := sys.modules.get("airflow.configuration"):
        configuration.conf.mask_secrets()
