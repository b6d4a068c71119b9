"""``docker-compose.yaml``: its settings, which service gets which secret, and the limited rights of each service."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.command_lines import told_to_programs, words_of

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
AIRFLOW = {name for name in SERVICES if name.startswith("airflow-")}

WORKER = {"REDIS_PASSWORD", "COUCHDB_PASSWORD", "GRDF_CLIENT_SECRET", "STAGING_CONNECTION"}
SECRETS = {
    "postgres": {"POSTGRES_PASSWORD"},
    "redis": {"REDIS_PASSWORD"},
    "couchdb": {"COUCHDB_ADMIN_PASSWORD"},
    "couchdb-setup": {"COUCHDB_PASSWORD", "COUCHDB_ADMIN_PASSWORD"},
    "airflow-init": {"POSTGRES_PASSWORD", "AIRFLOW_ADMIN_PASSWORD"},
    # It checks all tokens, decrypts data for all tasks, keeps sessions, and connects households.
    "airflow-apiserver": {
        *("POSTGRES_PASSWORD", "FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY"),
        *("COUCHDB_PASSWORD", "GRDF_CLIENT_SECRET", "STAGING_CONNECTION"),
    },
    # It creates tokens for tasks and sends them, but runs no tasks.
    "airflow-scheduler": {"POSTGRES_PASSWORD", "JWT_SECRET", "REDIS_PASSWORD"},
    "airflow-dag-processor": {"POSTGRES_PASSWORD", "FERNET_KEY"},
    "airflow-account-processor": {"POSTGRES_PASSWORD", "COUCHDB_PASSWORD"},
    "airflow-triggerer": {"POSTGRES_PASSWORD", "FERNET_KEY"},
    "airflow-worker": WORKER,
    "airflow-worker-deletion": {
        *WORKER,
        *("COUCHDB_ADMIN_PASSWORD", "GRDF_DELETE_CLIENT_SECRET", "DELETION_AIRFLOW_CONNECTION"),
    },
    "proxy": set(),
}
"""Each service, with the secrets from ``.env`` that it gets."""
NETWORKS = {
    **{
        server: {network} for server, network in (("postgres", "database"), ("redis", "broker"), ("couchdb", "couchdb"))
    },
    "couchdb-setup": {"couchdb"},
    "airflow-init": {"database"},
    "airflow-apiserver": {"default", "database", "couchdb"},
    "airflow-scheduler": {"default", "database", "broker"},
    "airflow-dag-processor": {"default", "database"},
    "airflow-account-processor": {"default", "database", "couchdb"},
    "airflow-triggerer": {"default", "database"},
    "airflow-worker": {"default", "broker", "couchdb"},
    "airflow-worker-deletion": {"default", "broker", "couchdb"},
    "proxy": {"default"},
}
"""Each service, with the networks that it is on. No worker reaches Airflow's database."""
NO_SECRETS = (
    {"HTTPS_PORT", "OPERATORS_NETWORK", "TLS_CERTIFICATE", "TLS_KEY"}
    | {"GRDF_CLIENT_ID", "GRDF_DELETE_CLIENT_ID", "AIRFLOW_ADMIN_USER", "AIRFLOW_PORT", "GRDF_POOL_SLOTS"}
    | {
        *("STAGING_URL", "QUOTA_URL"),
        *(f"GRDF_{name}" for name in ("API_BASE", "TOKEN_URL", "AUTHORIZE_URL", "REDIRECT_URI", "ISSUER", "JWKS_URL")),
        "GRDF_ID_TOKEN_ALGORITHMS",
    }
)


def given(service: dict[str, Any]) -> set[str]:
    """The variables of ``.env`` whose values a service gets. ``${X:+y}`` only reveals that there is a value."""
    text = re.sub(r"\$\{\w+:\+[^}]*\}", "", json.dumps(service))
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text)) - NO_SECRETS


def test_each_service_is_given_the_secrets_that_it_needs() -> None:
    assert {name: given(service) for name, service in SERVICES.items()} == SECRETS


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_no_command_line_holds_a_secret(service: str) -> None:
    """All users of the machine can read the command lines of all processes in all containers."""
    what = SERVICES[service]
    secret = {name for name, value in what.get("environment", {}).items() if given({"value": value})}
    assert secret or not SECRETS[service]
    for word in words_of(what.get("entrypoint"), what.get("command"), what.get("healthcheck", {}).get("test")):
        assert given({"word": word}) == set(), "Docker Compose would write its value there"
        assert told_to_programs(word) & secret == set()


def test_every_secret_of_the_form_is_in_the_table() -> None:
    form = set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text()))
    held = {name for names in SECRETS.values() for name in names}
    assert {name for name in form if not name.startswith("AIRFLOW__")} == held | NO_SECRETS


def test_each_service_is_on_the_networks_of_the_servers_that_it_needs() -> None:
    def of(service: dict[str, Any]) -> set[str]:
        return set(service.get("networks", ()))

    assert {name: of(service) for name, service in SERVICES.items()} == NETWORKS
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert networks == {name: {"internal": True} for name in ("broker", "couchdb", "database")}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_may_do_as_little_as_it_can(service: str) -> None:
    what = SERVICES[service]
    assert what["cap_drop"] == ["ALL"]
    assert what["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "pid", "network_mode", "devices"} & what.keys()
    assert what.get("read_only", False) is (service != "couchdb")
    assert all(port.startswith("127.0.0.1:") for port in what.get("ports", [])) or service == "proxy"
    assert all(mount.partition(":")[0] in VOLUMES for mount in what.get("volumes", [])), "nothing of the machine"
    assert service in AIRFLOW | {"couchdb-setup"} or what["user"] not in ("root", "0")


VOLUMES = yaml.safe_load(COMPOSE.read_text())["volumes"]


def test_the_api_server_reads_logs_and_writes_only_the_files_that_its_page_takes() -> None:
    assert SERVICES["airflow-apiserver"]["volumes"] == [
        "airflow-logs:/opt/airflow/logs:ro", "airflow-state:/var/lib/grdf"
    ]  # fmt: skip
    for name in ("scheduler", "triggerer", "worker", "worker-deletion"):  # otherwise they would need its key
        assert "--skip-serve-logs" in SERVICES[f"airflow-{name}"]["command"]


def test_deletions_run_where_their_secret_is() -> None:
    takers = {
        name: command[command.index("--queues") + 1] if "--queues" in command else "default"
        for name, command in ((name, SERVICES[name]["command"]) for name in AIRFLOW)
        if "worker" in command
    }
    assert takers == {"airflow-worker": "default", "airflow-worker-deletion": "deletion"}
    for name in AIRFLOW - {"airflow-init"}:
        environment = SERVICES[name]["environment"]
        assert environment["AIRFLOW__GRDF__DELETION_QUEUE"] == "deletion"
        assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor", "no task is a fork of what has other secrets"
    apart = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert apart == {"proxy": ["public"]}, "all that deletions need is there by default"


@pytest.mark.parametrize("service", sorted(AIRFLOW))
def test_settings_of_ones_own_reach_it(service: str) -> None:
    """They override the project's settings, are optional, and are ignored by git."""
    assert SERVICES[service]["env_file"] == ["airflow.env", {"path": "settings.env", "required": False}]
    assert "/settings.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_each_bundle_has_a_dag_processor_of_its_own_and_only_that_of_the_accounts_differs_from_airflows_defaults() -> (
    None
):
    (line,) = [line for line in (ROOT / "airflow.env").read_text().splitlines() if "BUNDLE_CONFIG_LIST=" in line]
    bundles = {each["name"] for each in json.loads(line.partition("=")[2])}
    processors = {name: each for name, each in SERVICES.items() if each.get("command", [""])[0] == "dag-processor"}
    assert {each["command"][-1]: name for name, each in processors.items()} == {
        "dags-folder": "airflow-dag-processor", "grdf-accounts": "airflow-account-processor"
    }  # fmt: skip
    assert bundles == {each["command"][-1] for each in processors.values()}
    of_readers = ("AIRFLOW__DAG_PROCESSOR__", "AIRFLOW__SCHEDULER__")
    own = {
        name: {key for key in each["environment"] if key.startswith(of_readers) and "HEALTH_CHECK" not in key}
        for name, each in SERVICES.items()
        if name in AIRFLOW
    }
    assert {name for name, keys in own.items() if keys} == {"airflow-account-processor"}


def test_what_can_be_filled_in_stands_in_the_form() -> None:
    form = (ROOT / ".env.example").read_text()
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE.read_text()))
    assert len(asked) > 20
    assert {name for name in asked if not re.search(rf"(?m)^(# )?{name}=", form)} == set()
