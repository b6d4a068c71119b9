"""Every command in a block of README and docs is run by a test, or it is said here why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import commands

ROOT = Path(__file__).resolve().parents[2]
BY_COMPOSE = "tests/compose/installation.py"
BY_OPERATIONS = "tests/compose/test_operations.py"
CLUSTER = "needs a cluster, a registry and the chart, which no test has"
ONLY_LINES = "lines of files, which the tests write with addresses of their own"
RUN = {
    ("README.md", "Try it"): "tests/house/test_demo.py",
    ("docs/compose.md", "Start"): BY_COMPOSE,
    ("docs/compose.md", "Let households in"): BY_COMPOSE,
    ("docs/install.md", "As a package, with connection forms"): "tests/provider/test_wheel.py",
    ("docs/operations.md", "Back up"): BY_OPERATIONS,
    ("docs/operations.md", "Restore"): BY_OPERATIONS,
    ("docs/operations.md", "New secrets"): BY_OPERATIONS,
    ("docs/operations.md", "What is kept how long"): BY_OPERATIONS,
    ("docs/upgrade.md", "With Docker Compose"): BY_OPERATIONS,
}
"""The test that runs the blocks under a heading of a page."""
NOT_RUN = {
    ("docs/helm.md", "1. The image"): CLUSTER,
    ("docs/helm.md", "2. The secrets"): CLUSTER,
    ("docs/helm.md", "3. The folder that pods share"): CLUSTER,
    ("docs/helm.md", "4. Install"): CLUSTER,
    ("docs/helm.md", "5. Set up CouchDB, and look"): CLUSTER,
    ("docs/install.md", "Many accounts"): "tests/dags/test_bundle.py starts the second with these settings",
    ("docs/reading.md", "A reader's login"): "asks for a password; tests/plugins/couchdb_setup sends the same",
    (
        "docs/upgrade.md",
        "As folders, or as a package",
    ): "needs an Airflow of its own; tests run both commands one by one",
    ("docs/metrics.md", "To Prometheus by StatsD (recommended)"): ONLY_LINES,
}


def blocks() -> dict[tuple[str, str], list[str]]:
    return {
        (page.relative_to(ROOT).as_posix(), heading): found
        for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for heading, found in commands(page).items()
        if found
    }


def test_every_block_of_commands_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks()
    assert found.keys() == RUN.keys() | NOT_RUN.keys()
    run = sum(len(found[each]) for each in RUN)
    with capsys.disabled():
        print(f"\ndocs: {run} blocks of commands are run by tests, {sum(map(len, found.values())) - run} are not")


@pytest.mark.parametrize("test", sorted(set(RUN.values())))
def test_the_test_that_runs_it_reads_the_page(test: str) -> None:
    text = (ROOT / test).read_text(encoding="utf-8")
    for (page, heading), by in RUN.items():
        if by == test:
            assert f'"{Path(page).name}"' in text, page
            assert f'"{heading}"' in text, heading
