"""Spreads accounts evenly over DAG files. An account always gets the same file."""

from __future__ import annotations

from hashlib import blake2b

DAG_FILES = 32
"""Number of DAG files that the bundle spreads accounts over. A new account's DAG is there once its whole file is read:
with 5,000 accounts that takes about a second. More files would cost more at each reading of all."""


def dag_file_of(account: str) -> int:
    """Return the number of an account's DAG file.

    It is the same on every machine, and the accounts are spread evenly.

    :return: 0 to ``DAG_FILES - 1``
    """
    return blake2b(account.encode(), digest_size=1, person=b"grdf-dag-file").digest()[0] % DAG_FILES
