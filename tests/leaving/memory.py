"""What Airflow remembers: every column of every table of its database, read without its models or API."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, create_engine, select

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack


def rows(airflow: AirflowStack) -> Iterator[tuple[str, dict[str, str]]]:
    """Return every row with its table, each value as text.

    :param airflow: a whole Airflow, with any database
    """
    engine = create_engine(airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    try:
        known = MetaData()
        known.reflect(engine)
        with engine.connect() as connection:
            for table in known.tables.values():
                for row in connection.execute(select(table)).mappings():
                    yield table.name, {str(name): _text(value) for name, value in row.items()}
    finally:
        engine.dispose()


def columns_with(airflow: AirflowStack, *words: str, beside: str = "") -> dict[str, list[str]]:
    """Return the columns that contain one of the words, with some of their values.

    :param airflow: a whole Airflow
    :param words: the words to search for
    :param beside: only search in rows that also contain this
    :return: values by ``table.column``
    """
    found: dict[str, list[str]] = {}
    for table, row in rows(airflow):
        if any(beside in value for value in row.values()):
            for name, value in row.items():
                if _holds(value, words):
                    found.setdefault(f"{table}.{name}", []).append(value[:300])
    return {name: values[:5] for name, values in sorted(found.items())}


def _holds(value: str, words: Collection[str]) -> bool:
    return any(word in value for word in words)


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
