"""``deploy/kubernetes_secrets.py``: Secrets that the Helm values name, with what the compose file gives services."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import Shell, commands

ROOT = Path(__file__).parents[2]
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "helm-values.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
PODS: dict[str, Any] = {
    **{
        f"airflow-{name}": VALUES[key]
        for name, key in (
            *(("apiserver", "apiServer"), ("scheduler", "scheduler"), ("dag-processor", "dagProcessor")),
            *(("triggerer", "triggerer"), ("init", "createUserJob")),
        )
    },
    **{
        f"airflow-worker{'' if each['name'] == 'tasks' else '-' + each['name']}": each
        for each in VALUES["workers"]["celery"]["sets"]
    },
}
"""What the values say of a pod, by the service of the compose file that it is."""
OPTIONAL = {"STAGING_URL", "QUOTA_URL"}
FORM = {
    name: "p@ss/" + name if name.endswith("_SECRET") else f"filled{name.replace('_', '')}"
    for name in re.findall(r"(?m)^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text())
    if not name.startswith("AIRFLOW__") and name not in OPTIONAL
}
ADDRESSES = ["--postgres", "postgres/airflow", "--redis", "redis://redis:6379", "--couchdb", "http://couchdb:5984"]
"""The servers of the compose file."""


@pytest.fixture
def form(tmp_path: Path) -> Path:
    """A form in which everything is filled in."""
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in FORM.items()))
    return tmp_path / ".env"


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(ROOT / "deploy" / "kubernetes_secrets.py"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def made(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert {(each["apiVersion"], each["kind"]) for each in listed["items"]} == {("v1", "Secret")}
    return {each["metadata"]["name"]: each["stringData"] for each in listed["items"]}


def named(value: Any) -> dict[str, dict[str, Any]]:
    """Return the references to Secrets in a value, by the variable that gets one."""
    if isinstance(value, list):
        return {name: ref for each in value for name, ref in named(each).items()}
    if not isinstance(value, dict):
        return {}
    if ref := value.get("valueFrom", {}).get("secretKeyRef"):
        return {value["name"]: ref}
    return named(list(value.values()))


def references(value: Any) -> set[tuple[str, str]]:
    """Return the keys of Secrets that a value names: two pods may get different ones as the same variable."""
    if isinstance(value, dict) and "secretKeyRef" in value:
        return {(value["secretKeyRef"]["name"], value["secretKeyRef"]["key"])}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {each for part in inner for each in references(part)}


def rendered(text: str) -> str:
    """Return what Docker Compose makes of a value, from the innermost variable outwards."""
    variable = re.compile(r"\$\{(\w+)(?::([-?+])([^${}]*))?\}")

    def value(found: re.Match[str]) -> str:
        return FORM.get(found[1]) or (found[3] if found[2] == "-" else "")

    while variable.search(text):
        text = variable.sub(value, text)
    return text


def test_the_command_of_the_page_makes_every_secret_that_is_named(form: Path) -> None:
    page = (ROOT / "docs" / "helm.md").read_text(encoding="utf-8").replace("\\\n", "")
    (command,) = re.findall(r"(?m)^python3 deploy/kubernetes_secrets\.py (.*) \| kubectl apply --server-side", page)
    secrets = made(run(*shlex.split(command), cwd=form.parent))
    wanted = references(VALUES)
    chart = {
        (VALUES["data"]["metadataSecretName"], "connection"),
        (VALUES["data"]["brokerUrlSecretName"], "connection"),
        (VALUES["fernetKeySecretName"], "fernet-key"),
        (VALUES["jwtSecretName"], "jwt-secret"),
        (VALUES["apiSecretKeySecretName"], "api-secret-key"),
    }
    assert {(name, key) for name, keys in secrets.items() for key in keys} == wanted
    assert chart <= wanted


def test_the_other_command_of_the_page_fills_in_the_users_of_redis(form: Path) -> None:
    _, block = commands(ROOT / "docs" / "helm.md")["2. The secrets"]
    (form.parent / "deploy").mkdir()
    users = ROOT / "deploy" / "redis-users.conf"
    (form.parent / "deploy" / users.name).write_bytes(users.read_bytes())
    Shell(form.parent, {"PATH": "/usr/bin:/bin"}).run(block, seconds=60)
    made_file = form.parent / "redis-users.conf"
    assert made_file.read_text() == rendered(users.read_text())
    assert made_file.stat().st_mode & 0o777 == 0o600
    assert made_file.read_text().count(">filledREDIS") == 4


def test_every_key_exists_also_where_nothing_is_set(form: Path) -> None:
    """The chart drops ``optional`` (its ``container_extra_envs``), so a pod waits for a missing key for ever."""
    short = "".join(f"{name}={value}\n" for name, value in FORM.items() if not name.endswith("_CONNECTION"))
    form.write_text(short)
    secrets = made(run(str(form), *ADDRESSES))
    assert secrets["grdf-staging"] == {"connection": ""}
    for ref in named(VALUES).values():
        assert ref.keys() == {"name", "key"}
        assert ref["key"] in secrets[ref["name"]]


def test_each_holds_what_the_compose_file_gives(form: Path) -> None:
    secrets, compared = made(run(str(form), *ADDRESSES)), set()
    for service, pod in PODS.items():
        for name, text in SERVICES[service]["environment"].items():
            if (ref := named(pod["env"]).get(name)) is None:
                continue
            here, there = secrets[ref["name"]][ref["key"]], rendered(text)
            if there.startswith("{"):
                assert json.loads(here) == json.loads(there), name
            else:
                assert here == there, name
            compared.add((ref["name"], ref["key"]))
    assert compared == references(VALUES)


def test_a_password_may_hold_anything(form: Path) -> None:
    form.write_text(form.read_text() + "POSTGRES_PASSWORD=a/b@c:d\nREDIS_SCHEDULER_PASSWORD=e/f@g\n")
    secrets = made(run(str(form), *ADDRESSES))
    assert secrets["grdf-database"]["connection"] == "postgresql+psycopg://airflow:a%2Fb%40c%3Ad@postgres/airflow"
    assert secrets["grdf-broker"]["connection"] == "redis://scheduler:e%2Ff%40g@redis:6379/0"


def test_what_is_missing_is_named(form: Path) -> None:
    text = form.read_text()
    for name in ("FERNET_KEY", "GRDF_DELETE_CLIENT_SECRET"):
        text = re.sub(rf"(?m)^{name}=.*$", f"{name}=", text)
    form.write_text(text)
    done = run(str(form), *ADDRESSES)
    assert (done.returncode, done.stdout) == (1, "")
    assert "fill in FERNET_KEY, GRDF_DELETE_CLIENT_SECRET in " in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--redis", "redis.data:6379"), ("--redis", "redis://:secret@redis.data"), ("--couchdb", "http://couchdb/prefix")],
)
def test_an_address_is_an_address_alone(form: Path, option: str, value: str) -> None:
    done = run(str(form), *ADDRESSES, option, value)
    assert done.returncode == 2
    assert f"{option} is an address without a password or a path" in done.stderr


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'s3$cr#t\"'", 's3$cr#t"'), ('"s3 cr#t"  # from the text message', "s3 cr#t"),
        ("s3cret # by text message", "s3cret"), ("s3#cret\r", "s3#cret"),
        ('"a\\"b\\\\c"', 'a"b\\c'), ("  s3cret  ", "s3cret"), ("s3\\ncret", "s3\\ncret"), ("a=b 'c", "a=b 'c"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_docker_compose_reads_it(form: Path, written: str, read: str) -> None:
    """Compose takes quotes and comments away: with them GRDF would refuse the secret, in Kubernetes alone."""
    form.write_text(form.read_text() + f"JWT_SECRET={written}\n", newline="")
    assert made(run(str(form), *ADDRESSES))["grdf-jwt"]["jwt-secret"] == read


@pytest.mark.parametrize(
    ("written", "read"),
    [("s3cr$t".join("''"), "s3cr$t"), ("""'s3\\"cr\\\\et'""", 's3"cr\\et'), ("s3cr/é=t", "s3cr/é=t")],
)
def test_the_clients_are_read_as_the_compose_file_puts_them_into_json(form: Path, written: str, read: str) -> None:
    form.write_text(form.read_text() + f"GRDF_CLIENT_SECRET={written}\nGRDF_DELETE_CLIENT_SECRET={written}\n")
    secrets = made(run(str(form), *ADDRESSES))
    for name in ("grdf-client", "grdf-deletion"):
        assert json.loads(secrets[name]["connection"])["password"] == read


@pytest.mark.parametrize("written", ["""'s3"cret'""", "s3\\cret"])
def test_a_secret_that_would_break_that_json_is_refused_by_its_name(form: Path, written: str) -> None:
    form.write_text(form.read_text() + f"GRDF_DELETE_CLIENT_SECRET={written}\n")
    done = run(str(form), *ADDRESSES)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'GRDF_DELETE_CLIENT_SECRET: a " or a \\ in it needs a \\ before it' in done.stderr
    assert "cret" not in done.stderr.lower().replace("secret", "")


@pytest.mark.parametrize(
    "written",
    [
        *("a$b", '"${a}"', "'ab", '"ab', "'a' b", "'a'#b", '"a"#b', "'a\\'", '"pass\\word"', '"a\\u0041"'),
        *("#ab", " #ab", "ab\t# note", "ab\u00a0#note", "ab\x0bc"),
    ],
)
def test_a_value_that_docker_compose_may_read_otherwise_is_refused_by_its_place(form: Path, written: str) -> None:
    form.write_text(form.read_text() + f"GRDF_CLIENT_SECRET={written}\n", newline="")
    done = run(str(form), *ADDRESSES)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"GRDF_CLIENT_SECRET|line \d+", done.stderr)
    assert written not in done.stderr


@pytest.mark.parametrize("line", ["GRDF_API_BASE: https://api.test.example", "GRDF_API_BASE", "GRDF-API=x"])
def test_a_line_of_another_form_is_not_passed_over(form: Path, line: str) -> None:
    """Compose takes a colon: Kubernetes would have asked GRDF's production instead."""
    form.write_text(f"{line}\n{form.read_text()}")
    done = run(str(form), *ADDRESSES)
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 1 is neither NAME=value nor a comment" in done.stderr


def test_a_file_of_windows_counts_from_its_first_line(form: Path) -> None:
    text = f"GRDF_CLIENT_ID=first\n{re.sub('(?m)^GRDF_CLIENT_ID=.*$', '', form.read_text())}"
    form.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert json.loads(made(run(str(form), *ADDRESSES))["grdf-client"]["connection"])["login"] == "first"


def test_a_file_that_it_is_written_to_is_private(form: Path, tmp_path: Path) -> None:
    with (tmp_path / "secrets.json").open("w") as out:
        command = [sys.executable, str(ROOT / "deploy" / "kubernetes_secrets.py"), str(form), *ADDRESSES]
        subprocess.run(command, stdout=out, check=True, timeout=60)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
