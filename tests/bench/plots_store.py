"""The store benchmark's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.plots import Chart

Tables = Mapping[str, list[dict[str, Any]]]


def charts(tables: Tables) -> list[Chart]:
    """Give the charts.

    :param tables: the tables of the store benchmark's report
    """
    by_history = next(rows for title, rows in tables.items() if title.startswith("A daily run's load by length"))
    by_accounts = next(rows for title, rows in tables.items() if title.startswith("A daily run by number"))
    return [
        Chart(
            "store-by-history",
            "A daily run's load by length of history",
            "gas days stored of the household",
            "times one raw _bulk_docs",
            {
                "ours": [(row["gas days"], row["of raw write"]) for row in by_history],
                "the konnector": [(row["gas days"], row["konnector of raw write"]) for row in by_history],
            },
            log_up=True,
        ),
        Chart(
            "store-by-accounts",
            "A daily run by number of other accounts",
            "other accounts",
            "times the same run without others",
            {
                "load": [(row["other accounts"], row["of alone"]) for row in by_accounts],
                "what extract asks": [(row["other accounts"], row["extract of alone"]) for row in by_accounts],
            },
        ),
    ]
