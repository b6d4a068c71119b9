"""The documentation: names exist, tables match the code, the site can show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from grdf.metrics import METRICS, Metric
from include.gas.health.causes import NEVER, Cause
from lint.finding import Finding, at, read

CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?<![\w/.:<])(?:dags|plugins|include|tests|lint|docs|\.ci)/[\w./*{},-]*\w[*/]?")
MODULE = re.compile(r"(?<![\w/.-])(?:grdf|include\.gas)(?:\.[a-z_]+)+(?![\w/.-])")

WALKS = {"An account id, from its DAG to the stored total": 15, "A line of an answer, from bytes to a total": 10,
         "A right, from a form to the first day": 12}  # fmt: skip
"""Walks of docs/architecture.md, with their maximum of files."""

SETTING = re.compile(r'^@Setting\ndef (\w+)|^\w+ = (?:number|boolean|text)\("(\w+)"', re.MULTILINE)
FORM = "./grdf env > .env"

METRICS_PAGE = "docs/metrics.md"
BEGIN, END = "<!-- table: python -m lint.pages -->\n", "<!-- end of table -->\n"
TAGS = {"connection", "state", "le", "kind", "cause", "outcome", "change"}
RULES_FILE, DASHBOARD = "docs/monitoring/prometheus-rules.yaml", "docs/monitoring/grafana-dashboard.json"
STATSD = "docs/monitoring/statsd-mapping.yaml"


def pages(root: Path) -> list[str]:
    """Return the pages that people read."""
    return ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in sorted((root / "docs").glob("*.md")))]


def find_names_of_nothing(root: Path) -> Iterator[Finding]:
    """Find files and modules in backticks that do not exist."""
    for page in pages(root):
        for number, line in enumerate(read(root, page).splitlines(), 1):
            for code in CODE.findall(line):
                for name in (*FILE.findall(code), *MODULE.findall(code)):
                    if not _exists(root, name):
                        yield Finding(page, number, f"there is no {name}: name what there is now")


def _exists(root: Path, name: str) -> bool:
    if "/" in name:
        return any(root.glob(name.rstrip("/")))
    path = root / ("plugins" if name.startswith("grdf.") else "")
    for part in name.split("."):
        if (path / f"{part}.py").is_file():
            return True  # what follows is a name in the module
        path /= part
    return path.is_dir()


def find_wrong_walks(root: Path) -> Iterator[Finding]:
    """Find walks that are long, come back, or reach a file that none before imports."""
    page = "docs/architecture.md"
    for title, most in WALKS.items():
        table = read(root, page).partition(f"**{title}**\n\n")[2].partition("\n\n")[0]
        files = re.findall(r"`((?:plugins|include)/[\w/]+\.py)`", table)
        if not 5 < len(files) <= most or len(files) != len({*files}):
            yield at(root, page, title, f"this walk has {len(files)} files, of at most {most}, each once: shorten it")
        met = ""
        for file in files:
            module = file.removesuffix(".py").removeprefix("plugins/").replace("/", ".")
            if met and "/operators/" not in file and not re.search(rf"\b{re.escape(module)}\b", met):
                yield at(root, page, file, f"no file before names {module}: put between them what does")
            met += read(root, file) if (root / file).is_file() else ""


def find_other_settings(root: Path) -> Iterator[Finding]:
    """Find settings that docs/settings.md or the code alone has."""
    page, code = "docs/settings.md", "plugins/grdf/settings.py"
    told = {*re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\| (`.*?`) \|", read(root, page))))}
    known = {one or other for one, other in SETTING.findall(read(root, code))}
    for name in told - known:
        yield at(root, page, f"`{name}`", f"nothing reads the setting {name}: remove its row")
    for name in known - told:
        yield at(root, code, name, f"{page} has no row for the setting {name}: write one")


def find_overwritten_forms(root: Path) -> Iterator[Finding]:
    """Find ``.env`` commands without their guard: a shell empties the file first."""
    for page in (*pages(root), "docker-compose.yaml", ".env.example"):
        for number, line in enumerate(read(root, page).splitlines(), 1):
            if line.count(FORM) != line.count(f"[ -e .env ] || {FORM}"):
                yield Finding(page, number, f"this overwrites a filled form: write [ -e .env ] || {FORM}")


# ---- Monitoring ------------------------------------------------------------------------------------------------------


def in_prometheus(metric: Metric) -> str:
    """Return a metric's name in Prometheus (``docs/monitoring``)."""
    return f"airflow_{metric.name.replace('.', '_')}{'_total' if metric.kind == 'counter' else ''}"


def with_table(text: str) -> str:
    """Return the page of metrics with the code's table."""
    rows = ["| metric | kind | tags | what it says | in Prometheus |", "|---|---|---|---|---|"] + [
        f"| `airflow.{each.name}` | {each.kind} | {', '.join(f'`{tag}`' for tag in each.tags) or '-'} | {each.says} "
        f"| `{in_prometheus(each)}` |"
        for each in METRICS
    ]
    before, _, rest = text.partition(BEGIN)
    return "\n".join([before + BEGIN + rows[0], *rows[1:], END + rest.partition(END)[2]])


def find_wrong_monitoring(root: Path) -> Iterator[Finding]:
    """Find differences between code, page of metrics, alerts, dashboard, mapping and runbook."""
    names = {each.name: in_prometheus(each) for each in METRICS}
    if with_table(read(root, METRICS_PAGE)) != read(root, METRICS_PAGE):
        yield at(root, METRICS_PAGE, BEGIN.strip(), "the table is not what the code says: python -m lint.pages")
    for each in METRICS:
        if not {*each.tags} <= TAGS:
            yield at(
                root, "plugins/grdf/metrics.py", each.name, f"{each.tags} may tell of a person: {sorted(TAGS)} do not"
            )
    dashboard = json.loads(read(root, DASHBOARD))
    rules = yaml.safe_load(read(root, RULES_FILE))["groups"][0]["rules"]
    queries = {RULES_FILE: [rule["expr"] for rule in rules],
               DASHBOARD: [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]}  # fmt: skip
    used = {(file, name) for file, all_of in queries.items() for query in all_of
            for name in re.findall(r"airflow_grdf_\w+", query)}  # fmt: skip
    for file, name in used - {(file, known) for file in queries for known in names.values()}:
        yield at(root, file, name, f"no metric is called {name}: see {METRICS_PAGE}")
    for name in {*names.values()} - {name for _, name in used}:
        yield Finding(DASHBOARD, 1, f"neither a panel nor an alert uses {name}: add a panel")
    mapped = {
        rule["match"].removeprefix("airflow."): rule["name"] for rule in yaml.safe_load(read(root, STATSD))["mappings"]
    }
    counters = {each.name: names[each.name] for each in METRICS if each.kind == "counter"}
    for name, _ in mapped.items() ^ counters.items():
        yield at(
            root, STATSD, name, f"each counter is mapped to its name in Prometheus, and nothing else is: correct {name}"
        )
    alerts = {rule["annotations"]["runbook"].partition("docs/runbook.md#")[2] for rule in rules}
    wanted = (alerts | {each.value for each in Cause if each.percent != NEVER} | {"deadline"}) - {"{{ $labels.cause }}"}
    entries = {
        title.lower().replace(" ", "-") for title in re.findall(r"(?m)^## (.+?) *$", read(root, "docs/runbook.md"))
    }
    for anchor in wanted ^ entries:
        yield at(
            root, "docs/runbook.md", anchor, f"each cause that calls a person has an entry, and nothing else: {anchor}"
        )


RULES = (
    find_names_of_nothing, find_wrong_walks, find_other_settings, find_overwritten_forms, find_wrong_monitoring,
)  # fmt: skip

if __name__ == "__main__":
    _root = Path(__file__).resolve().parents[1]
    (_root / METRICS_PAGE).write_text(with_table(read(_root, METRICS_PAGE)), encoding="utf-8")
