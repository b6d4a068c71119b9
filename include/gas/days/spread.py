"""Spreads accounts evenly over DAG files. An account always gets the same file."""

from __future__ import annotations

from hashlib import blake2b

DAG_FILES = 8
"""Number of DAG files that accounts are spread over. Airflow's DAG processor reads two files at once and writes the
DAGs of one file at a time, so small files share its time fairly with each other and with other DAGs."""


def dag_file_of(account: str) -> int:
    """Return the number of an account's DAG file.

    It is the same on every machine, and the accounts are spread evenly.

    :param account: account id
    :return: 0 to ``DAG_FILES - 1``
    """
    return blake2b(account.encode(), digest_size=1, person=b"grdf-dag-file").digest()[0] % DAG_FILES
