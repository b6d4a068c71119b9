"""The image that is built: how large it is, what is in it, and whose it is."""

from __future__ import annotations

import json
import re

import pytest

from grdf import __version__
from tests.compose.engine import Engine
from tests.compose.images import AIRFLOW, ROOT

LARGEST = 1.2e9
"""Bytes."""


def run(engine: Engine, *command: str, user: str | None = None) -> str:
    program, *arguments = command
    whose = () if user is None else ("--user", user)
    return engine.run("run", "--rm", "--network", "none", *whose, "--entrypoint", program, AIRFLOW, *arguments)


def test_it_is_not_large(images: Engine) -> None:
    size = int(images.run("image", "inspect", "--format", "{{.Size}}", AIRFLOW))
    print(f"{AIRFLOW}: {size / 1e6:.0f} MB")
    assert size < LARGEST


def test_it_has_what_the_lock_says_and_nothing_else(images: Engine) -> None:
    listed = run(
        images, "/opt/venv/bin/python", "-c",
        "import importlib.metadata as m; print(*(f\"{d.metadata['Name']}=={d.version}\" for d in m.distributions()))",
    ).split()  # fmt: skip
    lock = re.findall(r"(?m)^([\w.-]+)==(\S+?)(?: ;.*)?(?: \\)?$", (ROOT / "requirements.txt").read_text())

    def spelt(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    locked = {f"{spelt(name)}=={version}" for name, version in lock}
    held = {f"{spelt(each.partition('==')[0])}=={each.partition('==')[2]}" for each in listed}
    ours = f"airflow-provider-grdf=={__version__}"
    assert {each for each in held - locked if not each.startswith("pip==")} == {ours}
    for name in (
        *("celery", "fab", "amazon", "http", "smtp", "standard"),
        *("common-sql", "common-io", "common-compat"),
    ):
        assert any(each.startswith(f"apache-airflow-providers-{name}==") for each in held), name
    for name in ("statsd", "opentelemetry-exporter-otlp", "psycopg", "redis", "s3fs", "cloudant", "pyjwt", "pendulum"):
        assert any(each.startswith(f"{name}==") for each in held), name


CODE = """
import json
from airflow import plugins_manager
from airflow.providers_manager import ProvidersManager
plugins, errors = plugins_manager._get_plugins()
names = [each.name for each in plugins]
print("\\n" + json.dumps({"types": [*ProvidersManager().hooks], "plugins": names, "errors": errors}), flush=True)
"""


def test_airflow_knows_the_connection_types_and_loads_the_plugin_once(images: Engine) -> None:
    said = run(images, "/opt/venv/bin/python", "-c", CODE)
    told = json.loads(next(line for line in said.splitlines() if line.startswith('{"types"')))
    assert {"grdf", "grdfdelete", "couchdb"} <= set(told["types"])
    assert (told["plugins"].count("grdf"), told["errors"]) == (1, {})


def test_its_code_is_roots_and_nothing_in_it_is_the_users(images: Engine) -> None:
    assert images.run("image", "inspect", "--format", "{{.Config.User}}", AIRFLOW).strip() == "airflow"
    found = run(images, "find", "/", "-xdev", "-user", "airflow", "-not", "-path", "/proc/*", user="0").split()
    assert sorted(found) == ["/opt/airflow/logs", "/var/lib/grdf"]
    assert run(images, "find", "/opt", "-perm", "-o+w", "-not", "-type", "l", user="0") == ""


PATHS = """
import json, os, sys
import grdf
roots = [each for each in sys.path if os.path.isdir(each)]
inside = [os.path.join(root, name) for root in roots for name in os.listdir(root)]
print(json.dumps({"grdf": grdf.__file__, "written": [each for each in [*roots, *inside] if os.access(each, os.W_OK)]}))
"""


@pytest.mark.parametrize("folder", ["/var/lib", "/var/lib/grdf", "/opt/airflow", "/tmp"])
def test_nobody_can_put_code_in_its_place(images: Engine, folder: str) -> None:
    """Several services share the folder of state: who may write there must not run code in the others."""
    code = "print('planted', flush=True)"
    plant = f'for each in /var/lib/grdf /tmp/grdf; do mkdir -p $each && echo "{code}" >$each/__init__.py; done'
    shell = f'{plant}; cd {folder} && python3 -c "$0" && python3 -m grdf.doctor --nothing; echo "code $?"'
    told, *rest = run(images, "sh", "-c", shell, PATHS).splitlines()
    assert json.loads(told) == {"grdf": "/opt/airflow/plugins/grdf/__init__.py", "written": ["/opt/airflow/logs"]}
    assert "planted" not in rest
    assert rest[-1] == "code 2", "it is ours, which knows no such option"


def test_nothing_of_the_tests_or_of_this_machine_is_in_it(images: Engine) -> None:
    assert run(images, "ls", "/opt/airflow/include").split() == ["__init__.py", "__pycache__", "gas"]
    assert run(images, "sh", "-c", "ls -d /opt/airflow/tests /opt/airflow/.env 2>/dev/null; true") == ""
    told = images.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", AIRFLOW)
    assert "PASSWORD" not in told
    assert "SECRET" not in told
