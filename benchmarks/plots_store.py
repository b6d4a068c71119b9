"""The store benchmark's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.plots import Chart

Tables = Mapping[str, list[dict[str, Any]]]


def charts(tables: Tables) -> list[Chart]:
    by_history = next(rows for title, rows in tables.items() if title.startswith("A daily run's load by length"))
    by_accounts = next(rows for title, rows in tables.items() if title.startswith("A daily run by number"))
    # CPU time suffers least from other programs, but only a local server has it.
    told = "CPU ms" in by_history[0]
    ours = "CPU ms" if told else "of raw write"
    return [
        Chart(
            "store-by-history",
            "A daily run's load by length of history",
            "gas days stored of the household",
            "ms of CPU, CouchDB's included" if told else "times one raw _bulk_docs",
            {
                "ours": [(row["gas days"], row[ours]) for row in by_history],
            },
        ),
        Chart(
            "store-by-accounts",
            "A daily run by number of other accounts",
            "other accounts",
            "times the same run without others",
            {
                "load": [(row["other accounts"], row["of alone"]) for row in by_accounts],
                "what extract asks": [(row["other accounts"], row["extract of alone"]) for row in by_accounts],
            }
            | (
                {"load, CPU": [(row["other accounts"], row["CPU of alone"]) for row in by_accounts]}
                if "CPU of alone" in by_accounts[0]
                else {}
            ),
        ),
    ]
