"""``Dockerfile``: packages come from the lock file, hashes are checked, and the user who runs them owns nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text())).splitlines()
STEPS = [line.split(" ", 1) for line in LINES if line.strip()]
IMAGES = {
    name: service["image"]
    for name, service in yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].items()
    if "build" not in service
}


def where(word: str, start: str = "") -> int:
    """Return the number of the only step that starts this way and contains a word."""
    (found,) = [at for at, (kind, rest) in enumerate(STEPS) if kind.startswith(start) and word in rest]
    return found


def test_it_stands_on_debian_alone() -> None:
    stages = ["debian:trixie-slim AS debian", "debian AS metadata", "debian"]
    assert [rest for kind, rest in STEPS if kind == "FROM"] == stages
    assert not [rest for kind, rest in STEPS if kind == "ADD"]


def test_every_package_comes_from_a_lock() -> None:
    commands = [part for _, rest in STEPS for part in rest.split("&&")]
    *locked, ours = [part.split() for part in commands if re.search(r"\b(pip|uv|npm)\S* .*install", part)]
    for install in locked:
        assert {"--require-hashes", "--no-deps", "--only-binary", ":all:"} <= set(install)
    sources = {install[-1]: install[-2] for install in locked}
    assert sources == dict.fromkeys(("/opt/build/requirements.txt", "/opt/grdf/requirements.txt"), "--requirement")
    assert {"--no-index", "--no-deps", "/opt/grdf/dist/*.whl"} <= set(ours)
    assert "pip check" in STEPS[where("--no-index")][1]


def test_who_runs_it_owns_no_code() -> None:
    user = where("airflow", "USER")
    assert all(at < user for at, (kind, _) in enumerate(STEPS) if kind in ("COPY", "RUN"))
    assert not [rest for kind, rest in STEPS if kind == "COPY" and re.search(r"--(?!from=)", rest)]
    owned = [part.split()[2:] for _, rest in STEPS for part in rest.split("&&") if part.strip().startswith("chown")]
    assert owned == [["/opt/airflow/logs", "/var/lib/grdf"]]


def test_what_is_sent_to_the_build_is_what_it_copies() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name for kind, rest in STEPS if kind == "COPY" and "--from" not in rest for name in rest.split()[:-1]
    }  # fmt: skip
    assert {name.split("/")[0] for name in let_in} == {name.split("/")[0] for name in copied}


@pytest.mark.parametrize("service", IMAGES)
def test_images_of_others_are_named_exactly(service: str) -> None:
    assert re.search(r"(:\d+\.\d+(\.\d+)*|@sha256:[0-9a-f]{64})$", IMAGES[service]), IMAGES[service]
    assert len(IMAGES) == 4
