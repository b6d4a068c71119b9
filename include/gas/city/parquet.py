"""The published figures as a Parquet file, by pyarrow, an extra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from include.gas.lake.partitions import encode

_SCHEMA = pa.schema(
    {
        "dimension": pa.string(),
        "group": pa.string(),
        "year": pa.int64(),
        "month": pa.int64(),
        "households": pa.int64(),
        "assigned": pa.int64(),
        "kwh": pa.float64(),
        "published_on": pa.date32(),
        "compared_households": pa.int64(),
        "compared_load": pa.float64(),
        "compared_before": pa.float64(),
    }
)


def encode_figures(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the content of the file; a value that a row lacks is null."""
    return encode(pa.Table.from_pylist(list(rows), _SCHEMA))
