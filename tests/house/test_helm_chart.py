"""What Airflow's Helm chart makes of ``deploy/helm-values.yaml``, by ``helm template``, where the chart is given."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "helm-values.yaml"
VALUES: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "helm.md").read_text(encoding="utf-8")
SETS = {each["name"]: each for each in VALUES["workers"]["celery"]["sets"]}
PODS = {
    "airflow-api-server": VALUES["apiServer"], "airflow-scheduler": VALUES["scheduler"],
    "airflow-dag-processor": VALUES["dagProcessor"], "airflow-triggerer": VALUES["triggerer"],
    "airflow-worker-tasks": SETS["tasks"], "airflow-worker-deletion": SETS["deletion"],
    "airflow-run-airflow-migrations": VALUES["migrateDatabaseJob"], "airflow-create-user": VALUES["createUserJob"],
}  # fmt: skip
CHART = os.environ.get("GRDF_TEST_HELM_CHART", "")
pytestmark = [
    pytest.mark.skipif(not CHART, reason="no Helm chart is given: GRDF_TEST_HELM_CHART=airflow-1.22.0.tgz"),
    pytest.mark.skipif(shutil.which("helm") is None, reason="there is no helm on PATH"),
]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("helm")
    files = [FILE]
    for number, block in enumerate(re.findall(r"(?s)```yaml\n(.*?)```", PAGE)):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(block, encoding="utf-8")
    own = [word for file in files for word in ("--values", str(file))]
    chart = str(Path(CHART).resolve()) if Path(CHART).exists() else CHART
    command = ["helm", "template", "airflow", chart, "--namespace", "grdf", *own]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.fixture(scope="module")
def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    kinds = ("Deployment", "StatefulSet", "Job")
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in objects if each["kind"] in kinds}


def secrets(what: Any) -> set[tuple[str, ...]]:
    found = re.findall(r'"secretKeyRef": (\{[^}]*\})', json.dumps(what))
    return {tuple(map(str, sorted(json.loads(each).items()))) for each in found}


def test_there_is_what_the_page_says_and_no_right_or_secret_of_the_chart_s_own(
    objects: list[dict[str, Any]], pods: dict[str, dict[str, Any]]
) -> None:
    assert pods.keys() == PODS.keys()
    assert all(f"| `{name}` |" in PAGE for name in PODS if not name.endswith(("migrations", "user")))
    kinds = {each["kind"] for each in objects}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"}
    accounts = [each for each in objects if each["kind"] == "ServiceAccount"]
    assert [each["metadata"]["name"] for each in accounts if each.get("automountServiceAccountToken", True)] == []


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_our_image_with_few_rights_and_its_own_secrets(name: str, pods: dict[str, dict[str, Any]]) -> None:
    pod, values, text = pods[name], PODS[name], json.dumps(pods[name])
    assert secrets(pod) == secrets(values["env"])
    assert not re.search('"secretRef"|"secretName"', text)
    assert ("grdf-deletion" in text) is (name == "airflow-worker-deletion")
    assert pod["securityContext"] == VALUES["securityContexts"]["pod"]
    (container,) = [*(pod.get("initContainers") or []), *pod["containers"]]
    assert container["securityContext"] == VALUES["securityContexts"]["containers"]
    assert container["image"] == "registry.example.org/grdf-airflow:0.1.0"
    assert (container.get("command"), container["args"]) == (values["command"], values["args"])
    assert container["resources"] == values["resources"]
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert mounts["/tmp"] == "tmp"
    assert ("/var/lib/grdf" in mounts) is ("extraVolumes" in values)
    assert mounts.get("/opt/airflow/logs", "logs") == "logs"
    assert "persistentVolumeClaim" in volumes.get("logs", {"persistentVolumeClaim": None})
    if probe := values.get("livenessProbe"):
        assert container["livenessProbe"]["exec"]["command"] == probe["command"]
