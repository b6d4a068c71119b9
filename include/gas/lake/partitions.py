"""Rows in Arrow, and one Parquet file for each month of a table, by pyarrow, an extra.

Without Arrow's threads: on a busy machine one that is left at the end aborts the process, and they take memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.gas.documents.doctypes import YEAR
from include.gas.lake.rows import ACCOUNT, FIRST, KEY, LOAD, Row, Table

_TYPES = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}


def schema_of(table: Table) -> pa.Schema:
    """Return the schema of a table's files."""
    return pa.schema([(column.name, _TYPES[column.kind]) for column in table.columns])


def rows_table(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Return rows in Arrow."""
    schema = schema_of(table)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)


def partitions(table: Table, batches: Iterable[pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """Yield changed rows by the file that they belong to; of those with the same key, the last one."""
    rows = pa.concat_tables(batches)
    years, months = pc.year(rows[FIRST]), pc.month(rows[FIRST])
    of_file = years if table.doctype == YEAR else pc.add(pc.multiply(years, 100), months)
    for number in sorted(pc.unique(of_file).to_pylist()):
        part = f"year={number}" if table.doctype == YEAR else f"year={number // 100}/month={number % 100}"
        found = rows.filter(pc.equal(of_file, number))
        places = found.select([*KEY]).append_column("place", pa.array(range(len(found))))
        last = places.group_by([*KEY], use_threads=False).aggregate([("place", "max")])["place_max"]
        yield f"{table.name}/{part}/{table.name}.parquet", found.take(last)
        pa.default_memory_pool().release_unused()  # otherwise it keeps what the largest files took


def merge(stored: pa.Table, changed: pa.Table) -> pa.Table:
    """Return the rows of a file with changed ones in place of theirs, and without those that have no load."""
    others = stored.join(changed.select([*KEY]), [*KEY], join_type="left anti", use_threads=False)
    kept = changed.filter(pc.is_valid(changed[LOAD]))
    rows = pa.concat_tables([others, kept])
    return rows.take(pc.sort_indices(rows, [(name, "ascending") for name in KEY]))


def without_accounts(stored: pa.Table, gone: Collection[str]) -> pa.Table:
    """Return the rows of a file without those of some accounts."""
    return stored.filter(pc.invert(pc.is_in(stored[ACCOUNT], pa.array(gone, pa.string()))))


def encode(rows: pa.Table) -> bytes:
    """Return the content of a file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    return bytes(sink.getvalue())


def decode(table: Table, content: bytes | None) -> pa.Table:
    """Return the rows of a file; none without one."""
    if content is None:
        return schema_of(table).empty_table()
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


def count_accounts(file: BinaryIO) -> Counter[str]:
    """Return the rows of each account in a file, by pseudonym; no other column is read."""
    counts = pc.value_counts(pq.ParquetFile(file).read([ACCOUNT], use_threads=False)[ACCOUNT]).to_pylist()
    return Counter({each["values"]: each["counts"] for each in counts})
