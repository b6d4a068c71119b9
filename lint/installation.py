"""How this is installed: secrets, networks, image, locks, workflows, beyond what their own schemas check."""

from __future__ import annotations

import json
import re
import sysconfig
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from lint.finding import Finding, at, read

COMPOSE, FORM, ENV, HELM = "docker-compose.yaml", ".env.example", "airflow.env", "deploy/helm-values.yaml"

# ---- Docker Compose --------------------------------------------------------------------------------------------------

_WORKER = {"REDIS_PASSWORD", "COUCHDB_PASSWORD", "GRDF_CLIENT_SECRET", "STAGING_CONNECTION"}
_DELETION = {"COUCHDB_ADMIN_PASSWORD", "GRDF_DELETE_CLIENT_SECRET", "DELETION_AIRFLOW_CONNECTION"}
SERVICES: dict[str, tuple[set[str], set[str]]] = {
    "postgres": ({"database"}, {"POSTGRES_PASSWORD"}),
    "redis": ({"broker"}, {"REDIS_PASSWORD"}),
    "couchdb": ({"couchdb"}, {"COUCHDB_ADMIN_PASSWORD"}),
    "couchdb-setup": ({"couchdb"}, {"COUCHDB_PASSWORD", "COUCHDB_ADMIN_PASSWORD"}),
    "airflow-init": ({"database"}, {"POSTGRES_PASSWORD", "AIRFLOW_ADMIN_PASSWORD"}),
    # It checks tokens, decrypts data for all tasks, keeps sessions, and connects households.
    "airflow-apiserver": (
        {"default", "database", "couchdb"},
        {
            *("POSTGRES_PASSWORD", "FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY"),
            *("COUCHDB_PASSWORD", "GRDF_CLIENT_SECRET", "STAGING_CONNECTION"),
        },
    ),
    # It creates tokens for tasks but runs none.
    "airflow-scheduler": ({"default", "database", "broker"}, {"POSTGRES_PASSWORD", "JWT_SECRET", "REDIS_PASSWORD"}),
    "airflow-dag-processor": ({"default", "database"}, {"POSTGRES_PASSWORD", "FERNET_KEY"}),
    "airflow-account-processor": ({"default", "database", "couchdb"}, {"POSTGRES_PASSWORD", "COUCHDB_PASSWORD"}),
    "airflow-triggerer": ({"default", "database"}, {"POSTGRES_PASSWORD", "FERNET_KEY"}),
    "airflow-worker": ({"default", "broker", "couchdb"}, _WORKER),
    "airflow-worker-deletion": ({"default", "broker", "couchdb"}, _WORKER | _DELETION),
    "proxy": ({"default"}, set()),
}
"""Networks and secrets of each service. No worker reaches Airflow's database."""
NO_SECRETS = {
    *("HTTPS_PORT", "TLS_CERTIFICATE", "TLS_KEY", "AIRFLOW_ADMIN_USER", "AIRFLOW_PORT"),
    *("GRDF_CLIENT_ID", "GRDF_DELETE_CLIENT_ID", "GRDF_POOL_SLOTS", "GRDF_API_BASE", "GRDF_TOKEN_URL"),
    *("GRDF_AUTHORIZE_URL", "GRDF_REDIRECT_URI", "GRDF_ISSUER", "GRDF_JWKS_URL", "GRDF_ID_TOKEN_ALGORITHMS"),
    *("STAGING_URL", "QUOTA_URL"),
}
"""Other variables to fill in."""
_RIGHTS = ("cap_add", "privileged", "pid", "network_mode", "devices")


def find_wrong_services(root: Path) -> Iterator[Finding]:
    """Find services with a secret, network or right too many or too few."""
    compose = yaml.safe_load(read(root, COMPOSE))

    def wrong(service: str, text: str) -> Finding:
        return at(root, COMPOSE, f"  {service}:", f"{service} {text}")

    for name in compose["services"].keys() ^ SERVICES:
        yield wrong(name, "is in one of the compose file and lint/installation.py alone: add what it may have")
    for name, what in compose["services"].items():
        networks, secrets = SERVICES.get(name, (set(), set()))
        if _filled_in(what) != secrets:
            yield wrong(name, f"gets other secrets than it needs: {sorted(_filled_in(what) ^ secrets)}")
        if {*what.get("networks", ())} != networks:
            yield wrong(name, f"is on other networks than it needs: {sorted({*what.get('networks', ())} ^ networks)}")
        if told := sorted(_on_command_lines(what)):
            yield wrong(
                name, f"shows secrets on command lines, which all users can read: {told}. Use a file or a variable"
            )
        shared = [each for each in what.get("volumes", ()) if each.partition(":")[0] not in compose["volumes"]]
        ports = [each for each in what.get("ports", ()) if not each.startswith("127.0.0.1:") and name != "proxy"]
        rights = [each for each in _RIGHTS if each in what] + shared + ports
        if rights or what.get("cap_drop") != ["ALL"] or what.get("security_opt") != ["no-new-privileges:true"]:
            yield wrong(name, f"has a right that it does not need: {rights or 'of the kernel'}")
        if what.get("read_only", False) is (name == "couchdb") or (
            "build" not in what and what.get("user", "root") in ("root", "0")
        ):
            yield wrong(name, "may change its own programs: make it read-only, and its user not root")
        if (what.get("restart") == "unless-stopped") is (name in ("airflow-init", "couchdb-setup")):
            yield wrong(name, "is not as it should be after a crash: restart it, unless it only prepares")
        if "build" not in what and not re.search(r"(:\d+\.\d+(\.\d+)*|@sha256:[0-9a-f]{64})$", what["image"]):
            yield wrong(name, f"runs an image without its exact version: {what['image']}")
        if name.startswith("airflow-"):
            yield from (wrong(name, text) for text in _wrong_airflow(root, name, what))
    if compose["networks"] != {name: {"internal": True} for name in ("broker", "couchdb", "database")}:
        yield at(root, COMPOSE, "networks:", "a network of servers has a way out: make it internal")
    if others := {name for name, what in compose["services"].items() if what.get("profiles")} ^ {"proxy"}:
        yield at(root, COMPOSE, "profiles:", f"all but the proxy starts by default, also what deletions need: {others}")


def _filled_in(service: Any) -> set[str]:
    """Return the secrets of ``.env`` that a service gets; ``${X:+y}`` only shows that there is one."""
    text = re.sub(r"\$\{\w+:\+[^}]*\}", "", json.dumps(service))
    return {*re.findall(r"(?<!\$)\$\{(\w+)", text)} - NO_SECRETS


def _on_command_lines(service: dict[str, Any]) -> set[str]:
    secret = {name for name, value in service.get("environment", {}).items() if _filled_in(value)}
    commands = [service.get("entrypoint"), service.get("command"), service.get("healthcheck", {}).get("test")]
    words = [word for each in commands for word in ([each] if isinstance(each, str) else each or ())]
    # A shell assigns and echoes without a command line.
    rest = [re.sub(r'\w+="\$+\{?\w+\}?" |(?:echo|printf)(?: [^;|&>]*)', "", word) for word in words]
    return _filled_in(words) | {name for word in rest for name in re.findall(r"\$\{?([A-Z]\w+)", word)} & secret


def _wrong_airflow(root: Path, name: str, what: dict[str, Any]) -> Iterator[str]:
    command, own = [*what["command"]], what["environment"]
    if what["env_file"] != [ENV, {"path": "settings.env", "required": False}]:
        yield "does not read airflow.env and the operator's settings.env"
    if repeated := own.keys() & _settings(root):
        yield f"repeats settings of airflow.env, over which it would win: {sorted(repeated)}"
    if "worker" in command:
        queue = command[command.index("--queues") + 1] if "--queues" in command else "default"
        if (queue == "deletion") is not (name == "airflow-worker-deletion"):
            yield f"takes tasks of the queue {queue!r}: deletions run where their secret is, and nowhere else"
    if command[0] in ("scheduler", "triggerer", "celery") and "--skip-serve-logs" not in command:
        yield "serves logs, for which it would need the API server's key: --skip-serve-logs"
    if name == "airflow-apiserver" and "airflow-logs:/opt/airflow/logs:ro" not in what["volumes"]:
        yield "may write logs, which it only reads: :ro"
    if name != "airflow-init":
        if own["AIRFLOW__GRDF__DELETION_QUEUE"] != "deletion" or own["AIRFLOW__CORE__EXECUTOR"] != "CeleryExecutor":
            yield "would run tasks in a process that has other secrets: CeleryExecutor, with deletions apart"
        paces = [key for key in own if re.match(r"AIRFLOW__(DAG_PROCESSOR|SCHEDULER)__(?!ENABLE_HEALTH)", key)]
        if bool(paces) is not (name == "airflow-account-processor"):
            yield f"reads DAG files at another pace than Airflow's: {paces}. Only the processor of the accounts does"
    if command[0] == "dag-processor":
        bundle = {"airflow-dag-processor": "dags-folder", "airflow-account-processor": "grdf-accounts"}[name]
        if command[-1] != bundle or bundle not in _settings(root)[BUNDLES]:
            yield f"reads another bundle than {bundle}"


def find_wrong_forms(root: Path) -> Iterator[Finding]:
    """Find variables that compose file or form alone has."""
    held = {name for _, secrets in SERVICES.values() for name in secrets} | NO_SECRETS
    form = {
        name for name in re.findall(r"(?m)^(?:# )?([A-Z_]+)=", read(root, FORM)) if not name.startswith("AIRFLOW__")
    }
    asked = {*re.findall(r"(?<!\$)\$\{(\w+)", read(root, COMPOSE))}
    for name in (asked | held) - form:
        yield at(root, COMPOSE, f"{{{name}", f"{FORM} has no line for {name}: add one")
    for name in form - held:
        yield at(root, FORM, f"{name}=", f"{name} is in no list of lint/installation.py: say which service may have it")
    if "/settings.env" not in read(root, ".gitignore").splitlines():
        yield Finding(".gitignore", 1, "git would take settings.env, which may hold secrets: ignore it")


# ---- Airflow's settings, and its Helm chart --------------------------------------------------------------------------

BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
DIFFERENT = {
    "AIRFLOW__CORE__EXECUTOR",  # a value of the chart's
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",  # the chart's name for the server
    "AIRFLOW__GRDF__STAGING_URL", "AIRFLOW__GRDF__AIRFLOW_CONN_ID",  # empty unless set
}  # fmt: skip
"""Settings with another value, or none, in the chart's ``config``."""
THERE = {
    "POSTGRES_ADDRESS": "postgres/airflow", "REDIS_ADDRESS": "redis:6379", "COUCHDB_SCHEME": "http",
    "COUCHDB_HOST": "couchdb", "COUCHDB_PORT": "5984", "GRDF_API_BASE": "filled-GRDF_API_BASE", "GRDF_EXTRA": "{}",
}  # fmt: skip
"""The chart's ``env`` with the compose file's addresses."""


def _settings(root: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", read(root, ENV)))


def find_unknown_settings(root: Path) -> Iterator[Finding]:
    """Find lines of airflow.env that Airflow does not know, and ignores."""
    known = yaml.safe_load(Path(sysconfig.get_path("purelib"), "airflow/config_templates/config.yml").read_text())
    for name, value in _settings(root).items():
        _, section, option = name.lower().split("__")
        if option not in known.get(section, {"options": ()})["options"]:
            yield at(root, ENV, name, f"Airflow has no setting {name}: remove it")
        if value != value.strip() or value.startswith(('"', "'")):
            yield at(root, ENV, name, f"the value of {name} is taken as it stands: no quotes, no spaces")


def find_other_helm_values(root: Path) -> Iterator[Finding]:
    """Find settings and secrets that pod or compose service alone has."""
    values, services = yaml.safe_load(read(root, HELM)), yaml.safe_load(read(root, COMPOSE))["services"]

    def wrong(piece: str, text: str) -> Finding:
        return at(root, HELM, piece, f"{text} (compare with {COMPOSE})")

    def setting(name: str) -> Any:
        _, section, option = name.lower().split("__")
        return values["config"].get(section, {}).get(option)

    sets = {each["name"]: each for each in values["workers"]["celery"]["sets"]}
    # The chart has one DAG processor for what two read there, each at its own pace.
    accounts = services["airflow-account-processor"]["environment"]["AIRFLOW_CONN_COUCHDB"]
    services["airflow-dag-processor"]["environment"] |= {"AIRFLOW_CONN_COUCHDB": accounts}
    pods: dict[str, dict[str, Any]] = {
        "airflow-apiserver": values["apiServer"], "airflow-scheduler": values["scheduler"],
        "airflow-dag-processor": values["dagProcessor"], "airflow-triggerer": values["triggerer"],
        "airflow-worker": sets["tasks"], "airflow-worker-deletion": sets["deletion"],
    }  # fmt: skip
    form = {*re.findall(r"(?m)^([A-Z_]+)=", read(root, FORM))}
    for service, pod in pods.items():
        own = {each["name"]: each.get("valueFrom", each.get("value")) for each in pod["env"]}
        theirs = services[service]["environment"]
        for name, value in theirs.items():
            same = _in_pod(own, name) == _in_service(str(value)) if name in own else setting(name) == value
            if same is (name in DIFFERENT):
                yield wrong(name, f"{service} has another value of {name}")
        for name in own.keys() - theirs.keys() - form:
            yield wrong(name, f"{service} gets {name}, which it does not need")
    for name, value in _settings(root).items():
        here = json.dumps(values["dagProcessor"]["dagBundleConfigList"]) if name == BUNDLES else setting(name)
        if here != value:
            yield wrong(name.lower().split("__")[-1], f"{name} has another value than in {ENV}")
    for name, pod in (pods | {"a job": values["migrateDatabaseJob"], "another": values["createUserJob"]}).items():
        refs = [each["valueFrom"]["secretKeyRef"] for each in pod["env"] if "valueFrom" in each]
        if any(
            ref["name"] != "grdf" or (ref["key"] in _DELETION and name != "airflow-worker-deletion") for ref in refs
        ):
            yield wrong(
                "secretKeyRef", f"{name} gets a secret that it may not have, such as the one that revokes consents"
            )
    plain = re.findall(r'"password": "(?!\$\(\w+\)")[^"]*"|//\w*:(?!\$\(\w+\)@)[^@\s]*@', read(root, HELM))
    chart = {"fernetKey", "jwtSecret", "apiSecretKey", "pass", "password", "brokerUrl", "defaultUser"}
    for piece in (*plain, *(chart & {*re.findall(r'"(\w+)":', json.dumps(values))})):
        yield wrong(piece, "a secret would be in the file: name a key of the Secret")
    if values["executor"] != "CeleryExecutor" or values["ingress"]["apiServer"]["enabled"]:
        yield wrong("executor", "tasks run in Celery workers, and nobody is let in before somebody wants it")


def find_other_public_paths(root: Path) -> Iterator[Finding]:
    """Find public paths that the chart's ingress or the compose file's proxy alone has."""
    proxy = re.findall(r"(?m)^\s+location ~ (\^\S+) \{", read(root, "deploy/nginx.conf"))
    ingress = yaml.safe_load(read(root, HELM))["ingress"]["apiServer"]
    rules = [(each["pathType"], each["path"]) for each in (ingress, *ingress["succeedingPaths"])]
    for path in PATHS:
        here = any(path == rule or (kind == "Prefix" and path.startswith(f"{rule}/")) for kind, rule in rules)
        if here is not any(re.search(pattern, path) for pattern in proxy):
            yield at(
                root,
                HELM,
                "succeedingPaths",
                f"of the ingress and deploy/nginx.conf one alone lets everybody reach {path}",
            )


PATHS = (
    *("/grdf/household", "/grdf/household/", "/grdf/household/link/send", "/grdf/households", "/grdf/householdx/y"),
    *("/grdf/callback", "/grdf/callback/", "/grdf/callback/x", "/grdf/callbacks"),
    *("/grdf/static/page.css", "/grdf/statics/page.css", "/static/page.css"),
    *("/", "/grdf", "/grdf/", "/grdf/connect/", "/grdf/connect/household", "/grdf/fleet", "/auth/login"),
    *("/api/v2/dags", "/execution/task-instances", "/docs", "/health"),
)


def _in_pod(env: dict[str, Any], name: str) -> Any:
    """Return a pod's variable as Kubernetes puts it together, from what stands above it."""
    known = dict(THERE)
    for each, value in env.items():
        ref = value["secretKeyRef"]["key"] if isinstance(value, dict) else None
        known[each] = f"filled-{ref}" if ref else re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], value)
        if each == name:
            break
    return _comparable(known[name])


def _in_service(text: str) -> Any:
    """Return a container's variable as Docker Compose puts it together."""
    variable = re.compile(r"\$\{(\w+)(?::([-?+])([^${}]*))?\}")
    while found := variable.search(text):
        asked = found[3] if found[2] == "-" and found[3] else f"filled-{found[1]}"
        text = text[: found.start()] + asked + text[found.end() :]
    return _comparable(text)


def _comparable(text: str) -> Any:
    """Return a connection without ``extra``, which is left to those who install."""
    return {**json.loads(text), "extra": ""} if text.startswith("{") else text


# ---- Image, locks, workflows -----------------------------------------------------------------------------------------

LOCKS = ("requirements", "requirements-dev", "deploy/requirements-build")


def find_wrong_images(root: Path) -> Iterator[Finding]:
    """Find steps of the Dockerfile that install without the lock, or give code to its user."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", read(root, "Dockerfile")))
    steps = [(kind, rest) for kind, _, rest in (line.partition(" ") for line in text.splitlines()) if rest]

    def wrong(rest: str, text: str) -> Finding:
        return at(root, "Dockerfile", rest[:40].split(" && ")[0].rstrip(), text)

    is_user = False
    for kind, rest in steps:
        is_user = is_user or kind == "USER"
        for part in rest.split("&&"):
            if re.search(r"\b(pip|uv|npm)\S* .*install", part):
                locked = all(each in part for each in ("--require-hashes", "--only-binary :all:", "requirements"))
                if "--no-deps" not in part or not (locked or "--no-index" in part):
                    yield wrong(rest, "packages come from a lock, with hashes, or from nowhere: --require-hashes")
            if part.strip().startswith("chown") and part.split()[2:] != ["/opt/airflow/logs", "/var/lib/grdf"]:
                yield wrong(rest, "the user who runs it owns the two folders that it writes, and none of the code")
        foreign = kind == "FROM" and rest.split(" AS ")[0] not in ("debian:trixie-slim", "debian")
        if foreign or kind == "ADD" or (kind == "COPY" and re.search(r"--(?!from=)", rest)):
            yield wrong(rest, "it stands on Debian and this folder alone, with root as the owner of its files")
        if is_user and kind in ("COPY", "RUN"):
            yield wrong(rest, "this would be done as the user who runs it: put it above USER")
    if not is_user or "pip check" not in text:
        yield Finding("Dockerfile", 1, "it ends with a USER, and pip checks that the packages fit together")
    let_in = {line[1:].split("/")[0] for line in read(root, ".dockerignore").splitlines() if line.startswith("!")}
    copied = {name.split("/")[0] for kind, rest in steps if kind == "COPY" and "--from" not in rest
              for name in rest.split()[:-1]}  # fmt: skip
    for name in let_in ^ copied:
        yield at(
            root, ".dockerignore", name, f"what is sent to the build is what it copies: {name} is one of them alone"
        )


def find_wrong_locks(root: Path) -> Iterator[Finding]:
    """Find locks with an address or option, or that differ from the requirements."""
    heads: dict[str, set[str]] = {}
    project = tomllib.loads(read(root, "pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    for lock in LOCKS:
        of_package = wanted if lock.startswith("requirements") else []
        for number, line in enumerate(read(root, f"{lock}.txt").splitlines(), 1):
            if line.startswith("-") or "://" in line:
                yield Finding(f"{lock}.txt", number, "a lock has no option and names no registry: ./grdf lock")
        text = read(root, f"{lock}.txt")
        heads[lock] = {
            re.sub(r"\[.*\]| ;.*", "", head) for head in re.findall(r"(?m)^[a-z0-9].*?==.*?(?= \\$|$)", text)
        }
        for name in re.findall(r"(?m)^([a-z][a-z0-9-]*)", "\n".join([read(root, f"{lock}.in"), *of_package])):
            if name not in {head.partition("==")[0] for head in heads[lock]}:
                yield Finding(f"{lock}.txt", 1, f"{name} is not locked: ./grdf lock")
        if text.count("==") and len(re.findall(r"(?m)^[a-z0-9].*==.*\\$\n +--hash=", text)) < len(heads[lock]):
            yield Finding(f"{lock}.txt", 1, "a package has no hash: ./grdf lock")
    for head in heads["requirements"] - heads["requirements-dev"]:
        yield at(
            root, "requirements.txt", head, f"development runs on another version than production's {head}: ./grdf lock"
        )
    node = json.loads(read(root, "include/sandbox/couch/package-lock.json"))["packages"]
    if "://" in json.dumps(node) or not all("integrity" in each for path, each in node.items() if path):
        yield Finding(
            "include/sandbox/couch/package-lock.json", 1, "it names no registry, and each package has its hash"
        )


def find_wrong_workflows(root: Path) -> Iterator[Finding]:
    """Find workflows that give a pull request a write or a secret, or do not scan all images."""
    github, gitlab = ".github/workflows/ci.yml", ".gitlab-ci.yml"
    flow = yaml.safe_load(read(root, github))
    if (
        flow["permissions"] != {"contents": "read"} or "pull_request_target" in flow[True]
    ):  # YAML 1.1 reads "on" as true
        yield at(root, github, "permissions:", "a pull request only reads, and runs without secrets")
    for name, job in flow["jobs"].items():
        trusted = job.get("if") == "startsWith(github.ref, 'refs/tags/v')"
        if not trusted and re.search(r"permissions|secrets\.|github\.token", str(job)):
            yield at(root, github, f"  {name}:", f"{name} has a secret or a right without a tagged version")
    services = yaml.safe_load(read(root, COMPOSE))["services"].values()
    for file in (github, gitlab):
        (listed,) = re.findall(r"sed -n 's/(\^.*?)\$/\\1/p' docker-compose.yaml", read(root, file))
        pattern = listed.replace(r"\(", "(").replace(r"\)", ")") + "$"
        scanned = {*re.findall(f"(?m){pattern}", read(root, COMPOSE))}
        for image in {each["image"] for each in services if "build" not in each} ^ scanned:
            yield at(
                root, file, "sed -n", f"the scan of others' images misses or makes up {image}: correct the command"
            )


RULES = (
    find_wrong_services, find_wrong_forms, find_unknown_settings, find_other_helm_values, find_other_public_paths,
    find_wrong_images, find_wrong_locks, find_wrong_workflows,
)  # fmt: skip
