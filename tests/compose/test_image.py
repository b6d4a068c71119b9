"""The image that is built: what is in it, and its owner. And when a server counts as healthy."""

from __future__ import annotations

import json
import re
import shlex

import yaml

from grdf import __version__
from tests.compose.engine import AIRFLOW, ROOT, SERVERS, Engine

LARGEST = 1.2e9
"""Bytes."""
LOOK = """
import importlib.metadata, json
from airflow import plugins_manager
from airflow.providers_manager import ProvidersManager
plugins, errors = plugins_manager._get_plugins()
held = [[each.metadata["Name"], each.version] for each in importlib.metadata.distributions()]
names = [each.name for each in plugins]
print("LOOK" + json.dumps({"types": [*ProvidersManager().hooks], "plugins": names, "errors": errors, "held": held}))
"""
PATHS = """
import json, os, sys
import grdf
roots = [each for each in sys.path if os.path.isdir(each)]
inside = [os.path.join(root, name) for root in roots for name in os.listdir(root)]
print(json.dumps({"grdf": grdf.__file__, "written": [each for each in [*roots, *inside] if os.access(each, os.W_OK)]}))
"""


def run(engine: Engine, program: str, *arguments: str, user: str = "airflow") -> str:
    how = ("--rm", "--network", "none", "--user", user, "--entrypoint", program)
    return engine.run("run", *how, AIRFLOW, *arguments)


def spelt(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_has_what_the_lock_says_and_airflow_knows_all_of_ours(images: Engine) -> None:
    assert int(images.run("image", "inspect", "--format", "{{.Size}}", AIRFLOW)) < LARGEST
    said = run(images, "/opt/venv/bin/python", "-c", LOOK)
    output = json.loads(said.partition("LOOK")[2].splitlines()[0])
    lock = re.findall(r"(?m)^([\w.-]+)==(\S+?)(?: ;.*)?(?: \\)?$", (ROOT / "requirements.txt").read_text())
    held = {(spelt(name), version) for name, version in output["held"] if name != "pip"}
    ours = ("airflow-provider-grdf", __version__)
    assert held - {(spelt(name), version) for name, version in lock} == {ours}
    providers = ("celery", "fab", "amazon", "http", "smtp", "standard", "common-sql", "common-io", "common-compat")
    wanted = {f"apache-airflow-providers-{name}" for name in providers}
    wanted |= {"statsd", "opentelemetry-exporter-otlp", "psycopg", "redis", "s3fs", "cloudant", "pyjwt", "pendulum"}
    assert wanted <= {name for name, _ in held}
    assert {"grdf", "grdfdelete", "couchdb"} <= set(output["types"])
    assert (output["plugins"].count("grdf"), output["errors"]) == (1, {})


def test_its_code_is_roots_and_nothing_of_the_tests_or_of_this_machine_is_in_it(images: Engine) -> None:
    assert images.run("image", "inspect", "--format", "{{.Config.User}}", AIRFLOW).strip() == "airflow"
    look = (
        "find / -xdev -user airflow -not -path '/proc/*'; find /opt -perm -o+w -not -type l;"
        "ls /opt/airflow/include; ls -d /opt/airflow/tests /opt/airflow/.env 2>/dev/null; true"
    )
    found = run(images, "sh", "-c", look, user="root").split()
    assert sorted(found) == ["/opt/airflow/logs", "/var/lib/grdf", "__init__.py", "__pycache__", "gas"]
    output = images.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", AIRFLOW)
    assert not re.search("PASSWORD|SECRET", output)


def test_nobody_can_put_code_in_its_place(images: Engine) -> None:
    code = "print('planted', flush=True)"
    shell = (
        f'for each in /var/lib/grdf /tmp/grdf; do mkdir -p $each && echo "{code}" >$each/__init__.py; done;'
        'for each in /var/lib /var/lib/grdf /opt/airflow /tmp; do cd $each && python3 -c "$0"; done;'
        'cd /tmp && python3 -m grdf.doctor --nothing; echo "code $?"'
    )
    *output, last = run(images, "sh", "-c", shell, PATHS).splitlines()
    assert last == "code 2", "it is ours, which knows no such option"
    assert "planted" not in output
    expected = {"grdf": "/opt/airflow/plugins/grdf/__init__.py", "written": ["/opt/airflow/logs"]}
    assert [json.loads(line) for line in output if line.startswith("{")] == [expected] * 4


def test_a_database_that_is_still_being_made_is_not_healthy(images: Engine) -> None:
    """PostgreSQL fills a new database through a server behind its own socket alone, and stops that one."""
    service = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]["postgres"]
    healthy = shlex.join(service["healthcheck"]["test"][1:])
    start = "pg_ctl --pgdata /tmp/data --silent --wait --log /tmp/log --options \"-c listen_addresses='%s'\""
    output = images.run(
        "run", "--rm", "--network", "none", "--user", "postgres", "--tmpfs", "/run/postgresql:mode=1777",
        "--entrypoint", "sh", SERVERS, "-euc",
        f"initdb --pgdata /tmp/data --username airflow --auth trust >/tmp/init; {start % ''} start; "
        f"{healthy} >/tmp/health && echo healthy || echo not yet; {start % '*'} restart; {healthy}",
    )  # fmt: skip
    assert output.split("\n")[-3:-1] == ["not yet", "127.0.0.1:5432 - accepting connections"], output
