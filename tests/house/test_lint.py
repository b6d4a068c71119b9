"""Each rule of ``lint`` finds what breaks it and where, and nothing more: the repository as it is has no finding."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import lint
from lint.sources import hidden_in_messages

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("dags", "plugins", "include", "docs", "deploy", ".ci", ".github", "lint")
COMPOSE, HELM, IMAGE, ENV = "docker-compose.yaml", "deploy/helm-values.yaml", "Dockerfile", "airflow.env"
GITHUB = ".github/workflows/ci.yml"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in (each for each in ROOT.iterdir() if each.is_file()):
        shutil.copy(file, root)
    (root / "tests").symlink_to(ROOT / "tests")
    return root


BREAKS = [
    ("numbers", "dags/grdf_health.py", "\n\n", "\n\nlog.info('%s', pce)\n", "'pce'"),
    ("settled_texts", "dags/grdf_health.py", "\n\n", "\n\nX = '_AIRFLOW_X'\n", "private to Airflow"),
    ("settled_texts", "dags/grdf_health.py", "\n\n", "\n\nX = 'GRDFGRANDLYON_DELETE'\n", "revokes"),
    ("settled_texts", "dags/grdf_health.py", "\n\n", "\n\nX = 'com.grandlyon.grdf.hour'\n", "doctype"),
    ("internals", "dags/grdf_health.py", "\n\n", "\n\nfrom airflow.models import DAG\n", "does not promise"),
    ("internals", "docs/security.md", "doctor/airflow_checks.py", "doctor/couchdb_checks.py", "remove the row"),
    ("unread_dag_files", "dags/grdf_health.py", None, "X = 1\n", "'airflow'"),
    ("names_of_nothing", "README.md", "\n\n", "\n\n`plugins/grdf/gone.py`\n", "plugins/grdf/gone.py"),
    ("wrong_walks", "docs/architecture.md", "operators/extract.py", "operators/load.py", "each once"),
    ("other_settings", "docs/settings.md", "`reread_days`", "`reread_hours`", "no row for the setting reread_days"),
    ("overwritten_forms", "README.md", "[ -e .env ] || ", "", "overwrites"),
    ("wrong_monitoring", "docs/metrics.md", "`airflow.grdf.accounts`", "`airflow.grdf.x`", "python -m lint"),
    ("wrong_monitoring", "docs/runbook.md", "## Late\n", "## Gone\n", "each cause"),
    ("wrong_services", COMPOSE, "*couchdb, *grdf, *staging]\n    volumes:\n      - airflow-logs:/opt/airflow/logs\n",
     "*couchdb, *grdf, *staging, *deletion]\n    volumes:\n      - airflow-logs:/opt/airflow/logs\n", "other secrets"),
    ("wrong_services", COMPOSE, "networks: [database]", "networks: [database, broker]", "other networks"),
    ("wrong_services", COMPOSE, "redis-server /tmp/redis.conf", "redis-server --p $$REDIS_PASSWORD", "command lines"),
    ("wrong_services", COMPOSE, "cap_drop: [ALL]", "cap_drop: []", "a right"),
    ("wrong_services", COMPOSE, '["no-new-privileges:true"]', "[]", "a right"),
    ("wrong_services", COMPOSE, '"127.0.0.1:${AIRFLOW_PORT', '"${AIRFLOW_PORT', "a right"),
    ("wrong_services", COMPOSE, "user: redis\n    read_only: true", "user: redis", "its own programs"),
    ("wrong_services", COMPOSE, "redis:8.10.2", "redis:latest", "exact version"),
    ("wrong_services", COMPOSE, "broker:\n    internal: true", "broker:\n    internal: false", "way out"),
    ("wrong_services", COMPOSE, "airflow-triggerer:", "airflow-x:", "lint/installation.py"),
    ("wrong_services", COMPOSE, "CORE__EXECUTOR: CeleryExecutor", "CORE__EXECUTOR: LocalExecutor", "CeleryExecutor"),
    ("wrong_services", COMPOSE, "--queues, deletion", "--queues, default", "where their secret is"),
    ("wrong_services", COMPOSE, "[scheduler, --skip-serve-logs]", "[scheduler]", "serves logs"),
    ("wrong_services", COMPOSE, "airflow-logs:/opt/airflow/logs:ro", "airflow-logs:/opt/airflow/logs", ":ro"),
    ("wrong_forms", COMPOSE, "${QUOTA_URL:-}", "${QUOTA_PLACE:-}", "no line for QUOTA_PLACE"),
    ("wrong_forms", ".gitignore", "/settings.env\n", "", "ignore it"),
    ("unknown_settings", ENV, "LOAD_EXAMPLES", "LOAD_SAMPLES", "no setting"),
    ("other_helm_values", ENV, "EXAMPLES=False", "EXAMPLES=True", "another value"),
    ("other_helm_values", HELM, "{name: grdf, key: POSTGRES", "{name: x, key: POSTGRES", "may not have"),
    ("other_helm_values", HELM, "key: POSTGRES_PASSWORD", "key: GRDF_DELETE_CLIENT_SECRET", "may not have"),
    ("other_helm_values", HELM, "airflow:$(POSTGRES_PASSWORD)@", "airflow:hush@", "in the file"),
    ("other_helm_values", HELM, "enabled: false\n    path", "enabled: true\n    path", "nobody is let in"),
    ("other_public_paths", "deploy/nginx.conf", "callback/?)$", "callback/?)", "/grdf/callback/x"),
    ("wrong_images", IMAGE, "--require-hashes", "--verbose", "with hashes"),
    ("wrong_images", IMAGE, "chown airflow:airflow", "chown airflow:airflow /opt/airflow/dags", "none of the code"),
    ("wrong_images", IMAGE, "pip check", "pip list", "fit together"),
    ("wrong_locks", "requirements.txt", "\nbabel==", "\n--index-url https://x\nbabel==", "names no registry"),
    ("wrong_locks", "requirements.txt", "\nbabel==", "\nx==", "babel is not locked"),
    ("wrong_locks", "requirements.txt", " \\\n    --hash=", " \\\n    --rash=", "no hash"),
    ("wrong_locks", "include/sandbox/couch/package-lock.json", '"integrity"', '"x"', "its hash"),
    ("wrong_workflows", GITHUB, "contents: read", "contents: write", "only reads"),
    ("wrong_workflows", GITHUB, "pull_request:", "pull_request_target:", "only reads"),
    ("wrong_workflows", GITHUB, "timeout-minutes: 90", "permissions: {}", "without a tagged version"),
]  # fmt: skip
"""A rule, a file, what is replaced in it (all, if nothing is named) by what, and a piece of the finding."""


@pytest.mark.parametrize(("rule", "file", "old", "new", "said"), BREAKS)
def test_what_breaks_a_rule_is_found_where_it_is(
    copy: Path, rule: str, file: str, old: str | None, new: str, said: str
) -> None:
    (find,) = [each for each in lint.RULES if each.__name__ == f"find_{rule}"]
    before = (copy / file).read_text(encoding="utf-8")
    assert old is None or old in before
    (copy / file).write_text(new if old is None else before.replace(old, new), encoding="utf-8")
    try:
        found = list(find(copy))
    finally:
        (copy / file).write_text(before, encoding="utf-8")
    assert [each for each in found if said in each.text], found
    assert all((copy / each.file).exists() and str(each).startswith(f"{each.file}:{each.line} ") for each in found)


def test_each_rule_is_broken_above_and_by_nothing_here(copy: Path) -> None:
    assert {rule.__name__ for rule in lint.RULES} == {f"find_{rule}" for rule, *_ in BREAKS}
    assert [str(found) for rule in lint.RULES for found in rule(copy)] == []


def test_what_a_message_may_hold() -> None:
    for line, count in (
        ('log.info("Account %s, meter %s: read.", account, meter.pce)', 1),
        ('BadAccount.about(account, f"meter {consent.pce} is odd")', 1), ('raise ValueError(f"{pce} is no meter")', 1),
        ('log.info(f"the total is now {total} kWh")', 1), ('log.info("%s", document.load)', 1),
        ('log.info("meter %s, %d days", meter_tag(account, meter.pce), len(days))', 0),
    ):  # fmt: skip
        assert len(list(hidden_in_messages(ast.parse(line)))) == count, line
