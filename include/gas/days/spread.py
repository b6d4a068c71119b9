"""Spreads accounts evenly over DAG files."""

from __future__ import annotations

from hashlib import blake2b

DAG_FILES = 32
"""A new account's DAG exists once its file is read: a second with 5,000 accounts. More files make a pass longer."""


def dag_file_of(account: str) -> int:
    """Return the number of an account's DAG file, the same on every machine: 0 to ``DAG_FILES - 1``."""
    return blake2b(account.encode(), digest_size=1, person=b"grdf-dag-file").digest()[0] % DAG_FILES
