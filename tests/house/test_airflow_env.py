"""Every line of ``airflow.env`` is a setting that Airflow knows, because it silently ignores others."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OPTIONS = Path(sysconfig.get_path("purelib")) / "airflow" / "config_templates" / "config.yml"
LINES = [line for line in (ROOT / "airflow.env").read_text().splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    sections = yaml.safe_load(OPTIONS.read_text())
    return {section: set(content["options"]) for section, content in sections.items()}


@pytest.mark.parametrize("line", LINES)
def test_the_setting_exists(line: str, options: dict[str, set[str]]) -> None:
    name, value = line.split("=", 1)
    prefix, section, option = name.split("__")
    assert (prefix, name) == ("AIRFLOW", name.upper())
    assert option.lower() in options[section.lower()]
    assert value == value.strip()
    assert not value.startswith(('"', "'"))


def test_the_compose_file_says_none_of_it_anew() -> None:
    """Its values would take precedence, and Airflow would add nothing to an explicit database setting."""
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
    here = {line.split("=", 1)[0] for line in LINES}
    assert not [name for name, service in services.items() if here & set(service["environment"])]
