"""Spreading accounts evenly over a few places, each account always in the same one."""

from __future__ import annotations

from hashlib import blake2b

DAG_FILES = 8
"""DAG files over which accounts are spread. Airflow's DAG processor reads two files at once and writes the DAGs of one
at a time: small files share its time with each other and with other DAGs."""


def dag_file_of(account: str) -> int:
    """Return an account its DAG file: the same for the same id on every machine, and even over all ids.

    :param account: the account's id.
    :return: 0 to ``DAG_FILES - 1``.
    """
    return blake2b(account.encode(), digest_size=1, person=b"grdf-dag-file").digest()[0] % DAG_FILES
