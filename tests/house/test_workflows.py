"""The workflows of GitHub and GitLab: they fit their schemas, run what CI runs, and hold no registry but their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github" / "workflows" / "ci.yml"
GITLAB = ROOT / ".gitlab-ci.yml"


@pytest.mark.parametrize(
    ("file", "schema"),
    [(GITHUB, ("vendor.github-workflows",)), (GITLAB, ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"))],
    ids=["github", "gitlab"],
)
def test_it_fits_its_schema(file: Path, schema: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def steps(what: Any) -> str:
    """Return all texts of a workflow in one."""
    if isinstance(what, dict):
        return "\n".join(steps(each) for each in what.values())
    return "\n".join(map(steps, what)) if isinstance(what, list) else str(what)


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_it_tests_builds_scans_and_publishes(file: Path) -> None:
    told = steps(yaml.safe_load(file.read_text(encoding="utf-8")))
    for needed in (
        "bash .ci/run",
        "docker build --pull",
        "trivy",
        "--exit-code 1",
        "--format cyclonedx",
        "docker push",
    ):
        assert needed in told
    assert "docker.sock" not in told
    assert "--password-stdin" in told
    assert "--password " not in told


def test_what_a_pull_request_may_do() -> None:
    """It gets no right to write, and no secret: only a tagged version is published."""
    flow = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
    assert flow["permissions"] == {"contents": "read"}
    assert [name for name, job in flow["jobs"].items() if "write" in str(job.get("permissions"))] == [
        "publish",
        "release",
    ]
    tagged = "startsWith(github.ref, 'refs/tags/v')"
    for name, job in flow["jobs"].items():
        if "permissions" in job or "secrets." in str(job) or "github.token" in str(job):
            assert job["if"] == tagged, name
    assert "pull_request_target" not in flow[True]  # YAML 1.1 reads "on" as true


def test_nothing_is_published_that_was_not_tested_and_scanned() -> None:
    jobs = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))["jobs"]
    assert [jobs[name]["needs"] for name in ("image", "publish", "release")] == ["test", "image", "publish"]
    there = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    assert [there[name]["stage"] for name in ("test", "build", "scan", "publish")] == [
        "test",
        "image",
        "image",
        "publish",
    ]


def test_all_images_of_the_compose_file_are_scanned() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"].values()
    others = {service["image"] for service in services if "build" not in service}
    for file in (GITHUB, GITLAB):
        (listing,) = re.findall(r"sed -n '[^']*' docker-compose.yaml", file.read_text(encoding="utf-8"))
        done = subprocess.run(["sh", "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        assert set(done.stdout.split()) == others


def test_the_chart_is_rendered_in_the_version_that_the_page_installs() -> None:
    flow = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))["jobs"]["helm"]
    told = steps(flow["steps"])
    assert 'GRDF_TEST_HELM_CHART="$RUNNER_TEMP/airflow-$CHART.tgz" ./grdf test tests/house/test_helm_chart.py' in told
    page = (ROOT / "docs" / "helm.md").read_text(encoding="utf-8")
    values = (ROOT / "deploy" / "helm-values.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"--version (\d\S*)|helm-chart/(\d[\d.]*)/", page + values)) == {
        (flow["env"]["CHART"], ""), ("", flow["env"]["CHART"])
    }  # fmt: skip
