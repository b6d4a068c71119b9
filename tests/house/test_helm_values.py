"""``deploy/helm-values.yaml``: the same settings, commands, secrets and public paths as the compose file has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "helm-values.yaml"
VALUES: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
# The chart has one DAG processor for what two read there, each at its own pace.
_ACCOUNTS = SERVICES["airflow-account-processor"]["environment"]
SERVICES["airflow-dag-processor"]["command"] = ["dag-processor"]
SERVICES["airflow-dag-processor"]["environment"] |= {"AIRFLOW_CONN_COUCHDB": _ACCOUNTS["AIRFLOW_CONN_COUCHDB"]}
SETS = {each["name"]: each for each in VALUES["workers"]["celery"]["sets"]}
PODS: dict[str, dict[str, Any]] = {
    "airflow-apiserver": VALUES["apiServer"],
    "airflow-scheduler": VALUES["scheduler"],
    "airflow-dag-processor": VALUES["dagProcessor"],
    "airflow-triggerer": VALUES["triggerer"],
    "airflow-worker": SETS["tasks"],
    "airflow-worker-deletion": SETS["deletion"],
}
"""What the values say of a pod, by the service of the compose file that it is."""
JOBS = {"migrateDatabaseJob": VALUES["migrateDatabaseJob"], "createUserJob": VALUES["createUserJob"]}
DIFFERENT = {
    "AIRFLOW__CORE__EXECUTOR": "a value of the chart's",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "the chart's name for the server",
    "AIRFLOW__GRDF__STAGING_URL": "empty unless set: the shared folder",
    "AIRFLOW__GRDF__AIRFLOW_CONN_ID": "empty unless set",
}
"""Settings of the compose file that are not in ``config`` with its value, with the reason."""
FORM = set(re.findall(r"(?m)^([A-Z_]+)=", (ROOT / ".env.example").read_text()))
"""What kubectl makes a Secret of: every key is there, also where it is empty, since a pod waits for a missing one."""
THERE = {
    "POSTGRES_ADDRESS": "postgres/airflow", "REDIS_ADDRESS": "redis:6379", "COUCHDB_SCHEME": "http",
    "COUCHDB_HOST": "couchdb", "COUCHDB_PORT": "5984", "GRDF_API_BASE": "filled-GRDF_API_BASE", "GRDF_EXTRA": "{}",
}  # fmt: skip
"""The list ``env`` of somebody whose servers have the addresses that they have in the compose file."""


def setting(name: str) -> str | None:
    """Return what ``config`` says of a variable ``AIRFLOW__SECTION__OPTION``."""
    _, section, option = name.lower().split("__")
    found = VALUES["config"].get(section, {}).get(option)
    assert found is None or isinstance(found, str), f"{name} would be written as YAML understands it: quote it"
    return found


def given(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the environment of a pod; a name occurs once."""
    assert len({each["name"] for each in pod["env"]}) == len(pod["env"])
    return {each["name"]: each.get("valueFrom", each.get("value")) for each in pod["env"]}


def keys(pod: dict[str, Any]) -> set[str]:
    """Return the keys of the Secret that a pod gets."""
    refs = [value["secretKeyRef"] for value in given(pod).values() if isinstance(value, dict)]
    assert all(ref.keys() == {"name", "key"} and ref["name"] == "grdf" for ref in refs)
    return {ref["key"] for ref in refs}


def in_pod(env: dict[str, Any], name: str) -> Any:
    """Return the value of a variable in a pod, as Kubernetes puts it together: from what stands above it."""
    known = dict(THERE)
    for each, value in env.items():
        ref = value["secretKeyRef"]["key"] if isinstance(value, dict) else None
        known[each] = f"filled-{ref}" if ref else re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], value)
        if each == name:
            return comparable(known[each])
    raise KeyError(name)


def in_service(text: str) -> Any:
    """Return the value of a variable in a container, as Docker Compose puts it together."""
    variable = re.compile(r"\$\{(\w+)(?::([-?+])([^${}]*))?\}")
    while found := variable.search(text):
        asked = found[3] if found[2] == "-" and found[3] else f"filled-{found[1]}"
        text = text[: found.start()] + asked + text[found.end() :]
    return comparable(text)


def comparable(text: str) -> Any:
    """Return a connection without ``extra``, whose fields the page leaves to whoever installs."""
    return {**json.loads(text), "extra": ""} if text.startswith("{") else text


LINES = [line for line in (ROOT / "airflow.env").read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", LINES)
def test_a_setting_of_ours_is_the_same(line: str) -> None:
    name, value = line.split("=", 1)
    if name == "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST":  # the chart writes this one itself
        assert VALUES["dagProcessor"]["dagBundleConfigList"] == json.loads(value)
        assert setting(name) is None
    else:
        assert setting(name) == value


@pytest.mark.parametrize("service", PODS)
def test_a_setting_of_the_compose_file_is_the_same(service: str) -> None:
    """And whatever is a secret there is one here, of the same pods and no others."""
    own = given(PODS[service])
    for name, value in SERVICES[service]["environment"].items():
        if name in DIFFERENT:
            assert setting(name) != value
        elif name in own:
            assert in_pod(own, name) == in_service(str(value)), name
        else:
            assert setting(name) == value, name
    assert own.keys() <= SERVICES[service]["environment"].keys() | FORM
    assert VALUES["executor"] == SERVICES[service]["environment"]["AIRFLOW__CORE__EXECUTOR"]


def test_the_secret_that_revokes_is_the_deletion_workers_alone() -> None:
    for key in ("GRDF_DELETE_CLIENT_SECRET", "COUCHDB_ADMIN_PASSWORD", "DELETION_AIRFLOW_CONNECTION"):
        holders = [name for name, pod in {**PODS, **JOBS}.items() if key in keys(pod)]
        assert holders == ["airflow-worker-deletion"]
        assert json.dumps(VALUES).count(f'"key": "{key}"') == 1


def test_no_secret_is_in_the_file() -> None:
    passwords = re.findall(r'"password": "([^"]*)"|//\w*:([^@\s]*)@', FILE.read_text())
    assert len(passwords) == 7
    assert all(re.fullmatch(r"\$\(\w+\)", one or other) for one, other in passwords)
    told = set(re.findall(r'"(\w+)":', json.dumps(VALUES)))
    assert not told & {"fernetKey", "jwtSecret", "apiSecretKey", "pass", "password", "brokerUrl", "defaultUser"}


NGINX = [
    re.compile(pattern)
    for pattern in re.findall(r"(?m)^\s+location ~ (\^\S+) \{", (ROOT / "deploy" / "nginx.conf").read_text())
]


@pytest.mark.parametrize(
    "path",
    [
        *("/grdf/household", "/grdf/household/", "/grdf/household/link/send", "/grdf/households", "/grdf/householdx/y"),
        *("/grdf/callback", "/grdf/callback/", "/grdf/callback/x", "/grdf/callbacks"),
        *("/grdf/static/page.css", "/grdf/statics/page.css", "/static/page.css"),
        *("/", "/grdf", "/grdf/", "/grdf/connect/", "/grdf/connect/household", "/grdf/fleet", "/auth/login"),
        *("/api/v2/dags", "/execution/task-instances", "/docs", "/health"),
    ],
)
def test_what_is_public_is_what_the_proxy_lets_in(path: str) -> None:
    assert len(NGINX) == 2
    ingress = VALUES["ingress"]["apiServer"]

    def fits(rule: dict[str, str]) -> bool:
        if rule["pathType"] == "Exact":
            return path == rule["path"]
        assert rule["pathType"] == "Prefix"
        return f"{path}/".startswith(f"{rule['path']}/")

    open_here = any(
        map(fits, ({"path": ingress["path"], "pathType": ingress["pathType"]}, *ingress["succeedingPaths"]))
    )
    assert open_here == any(pattern.search(path) for pattern in NGINX)
    assert not ingress["enabled"], "nobody is let in before somebody wants it"
