"""What Airflow hides in logs. Tests make new secrets all the time, and a process that hides them all becomes slow."""

from __future__ import annotations

import sys

MASKERS = ("airflow._shared.secrets_masker", "airflow.sdk._shared.secrets_masker")


def forget_masks() -> None:
    """Let Airflow forget other secrets: with each new one it compiles an expression of all, an eighth of the time."""
    for name in MASKERS:
        if masker := sys.modules.get(name):
            masker._secrets_masker().reset_masker()
    if configuration := sys.modules.get("airflow.configuration"):
        configuration.conf.mask_secrets()
