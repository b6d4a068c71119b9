"""Writes the table of metrics in ``docs/metrics.md``: ``python -m tests.metrics_page``."""

from __future__ import annotations

from pathlib import Path

from grdf.metrics import METRICS, Metric

FILE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- table: python -m tests.metrics_page -->\n", "<!-- end of table -->\n"


def in_prometheus(metric: Metric) -> str:
    """Return the name under which Prometheus knows a metric, by either way of ``docs/monitoring``."""
    suffix = {"gauge": "", "counter": "_total"}[metric.kind]
    return f"airflow_{metric.name.replace('.', '_')}{suffix}"


def table() -> str:
    """Return the table of all metrics."""
    lines = ["| metric | kind | tags | what it says | in Prometheus |", "|---|---|---|---|---|"]
    lines += [
        f"| `airflow.{each.name}` | {each.kind} | {', '.join(f'`{tag}`' for tag in each.tags) or '-'} | {each.says} "
        f"| `{in_prometheus(each)}` |"
        for each in METRICS
    ]
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """Return the page with the present table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    FILE.write_text(page(FILE.read_text(encoding="utf-8")), encoding="utf-8")
