"""The workflows of GitHub and GitLab: they fit their schemas, run what CI runs, and hold no registry but their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


def test_all_images_of_the_compose_file_are_scanned() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"].values()
    others = {service["image"] for service in services if "build" not in service}
    for file in (GITHUB, GITLAB):
        (listing,) = re.findall(r"sed -n '[^']*' docker-compose.yaml", file.read_text(encoding="utf-8"))
        done = subprocess.run(["sh", "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        assert set(done.stdout.split()) == others
