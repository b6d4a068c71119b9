"""The plugins folder as Airflow loads it: one module, which shadows nothing and is cheap to import."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow._shared.module_loading.file_discovery import find_path_from_directory
from airflow.sdk import DAG, BaseOperator

import grdf.operators
from tests.dags.parsing import ROOT, run_python

PLUGINS = ROOT / "plugins"


def loaded_files() -> list[Path]:
    return [Path(path) for path in find_path_from_directory(str(PLUGINS), ".airflowignore", "glob")]


def test_airflow_loads_the_plugin_module_alone() -> None:
    assert [path for path in loaded_files() if path.suffix == ".py"] == [PLUGINS / "grdf_plugin.py"]


def test_what_airflow_loads_shadows_no_other_module() -> None:
    installed = (
        set(importlib.metadata.packages_distributions()) | sys.stdlib_module_names | {"include", "tests", "grdf"}
    )
    for path in loaded_files():
        assert path.stem not in installed


def test_no_package_beside_the_plugin_shadows_another() -> None:
    installed = set(importlib.metadata.packages_distributions()) | sys.stdlib_module_names
    for path in PLUGINS.iterdir():
        assert path.stem not in installed, "plugins/ is on sys.path"


LOAD = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import airflow.plugins_manager as manager
before = set(sys.modules)
plugins, errors = manager._get_plugins()
timetables = sorted(manager.get_timetables_plugins())
import http, token, types
print("RESULT" + json.dumps({
    "errors": errors, "timetables": timetables, "names": [plugin.name for plugin in plugins],
    "loaded": sorted(set(sys.modules) - before), "http": http.__file__,
}))
"""


def test_airflow_s_own_loader(tmp_path: Path) -> None:
    found: dict[str, Any] = json.loads(run_python(LOAD, env={"AIRFLOW_HOME": str(tmp_path)}))
    assert found["errors"] == {}
    assert "grdf" in found["names"]
    assert "grdf.timetable.GasDayTimetable" in found["timetables"]
    assert str(PLUGINS) not in found["http"]
    heavy = ("fastapi", "cloudant", "grdf.hooks", "grdf.operators")  # modules that Airflow itself loads do not count
    assert [name for name in found["loaded"] if name.startswith(heavy)] == []


def test_importing_the_plugin_imports_no_fastapi() -> None:
    code = "import sys, json; import airflow.plugins_manager; b=set(sys.modules); import grdf_plugin; "
    code += "print('RESULT' + json.dumps(sorted(set(sys.modules) - b)))"
    loaded = json.loads(run_python(code, env={}))
    assert not any(name.partition(".")[0] in {"fastapi", "cloudant", "starlette"} for name in loaded)


# -- operators ---------------------------------------------------------------------------------------------------------


def operators() -> Iterator[type[BaseOperator]]:
    for module in pkgutil.walk_packages(grdf.operators.__path__, "grdf.operators."):
        for kind in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(kind, type)
                and issubclass(kind, BaseOperator)
                and kind.__module__.startswith("grdf.operators.")
            ):
                yield kind


OPERATORS = sorted(set(operators()), key=lambda kind: kind.__name__)


def arguments(kind: type) -> dict[str, inspect.Parameter]:
    found: dict[str, inspect.Parameter] = {}
    for parent in reversed(kind.__mro__):
        if parent.__module__.startswith("grdf.operators") and "__init__" in vars(parent):
            found |= inspect.signature(vars(parent)["__init__"]).parameters
    return {name: one for name, one in found.items() if name != "self" and one.kind is not one.VAR_KEYWORD}


def test_there_are_operators() -> None:
    assert {"AcquireTokenOperator", "RescopeTokenOperator", "ExtractOperator", "LoadOperator"} <= {
        kind.__name__ for kind in OPERATORS
    }


@pytest.mark.parametrize("kind", OPERATORS)
def test_arguments_are_keywords(kind: type) -> None:
    assert all(one.kind is one.KEYWORD_ONLY for one in arguments(kind).values())


@pytest.mark.parametrize("kind", OPERATORS)
def test_template_fields_are_arguments_and_are_kept_as_given(kind: type[BaseOperator]) -> None:
    taken = arguments(kind)
    theirs = {
        name for parent in kind.__mro__ if parent not in OPERATORS for name in vars(parent).get("template_fields", ())
    }
    required = {name for name, one in taken.items() if one.default is one.empty}
    given = {
        name: f"{{{{ ds }}}} {name}" for name in {*kind.template_fields, *required} if name in taken or name in theirs
    }
    with DAG("templates", schedule=None):
        task = kind(task_id="task", **given)
    for name in kind.template_fields:
        assert name in taken or name in theirs, f"{kind.__name__}: template field {name} is no argument"
        assert getattr(task, name) is given[name], f"{kind.__name__}: {name} is changed before it is rendered"
