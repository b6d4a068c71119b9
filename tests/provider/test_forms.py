"""The forms of our connection types, as Airflow reads them."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from grdf import __version__
from grdf.hooks.connection import GrdfConnection
from grdf.provider.provider_info import get_provider_info

TYPES: dict[str, dict[str, Any]] = {each["connection-type"]: each for each in get_provider_info()["connection-types"]}
STANDARD = {"conn_id": "", "client_id": "login", "client_secret": "password", "api_base": "host"}
"""What a connection has besides its extra."""


def test_airflow_finds_the_provider() -> None:
    (found,) = [
        each for each in entry_points(group="apache_airflow_provider") if each.dist and "grdf" in each.dist.name
    ]
    assert found.load() is get_provider_info
    assert ProvidersManager().providers["airflow-provider-grdf"].version == __version__


@pytest.mark.parametrize("kind", TYPES)
def test_airflow_finds_the_hook_of_each_type(kind: str) -> None:
    hook = ProvidersManagerTaskRuntime().hooks[kind]
    assert hook is not None
    assert (hook.hook_class_name, hook.hook_name) == (TYPES[kind]["hook-class-name"], TYPES[kind]["hook-name"])
    assert hook.connection_testable
    assert kind.isalpha(), "an underscore or a hyphen is spelt in two ways in a connection's URI"


def test_the_information_is_as_airflow_s_schemas_want_it() -> None:
    info = get_provider_info()
    for name in ("provider_info.schema.json", "provider.yaml.schema.json"):
        schema = json.loads(files("airflow").joinpath(name).read_text(encoding="utf-8"))
        if name.startswith("provider.yaml"):
            schema = schema["properties"]["connection-types"]
            jsonschema.validate(info["connection-types"], schema)
        else:
            jsonschema.validate(info, schema)


def test_the_form_asks_for_every_field_of_a_client() -> None:
    assert set(TYPES["grdf"]["conn-fields"]) == {each.name for each in fields(GrdfConnection)} - STANDARD.keys()
    assert set(TYPES["grdfdelete"]["conn-fields"]) < set(TYPES["grdf"]["conn-fields"])
    assert set(TYPES["couchdb"]["conn-fields"]) == {"database_prefix"}


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_has_a_label_and_help(kind: str) -> None:
    for name, field in TYPES[kind]["conn-fields"].items():
        assert field["label"], name
        assert len(field["description"]) > 20, name


@pytest.mark.parametrize("kind", ["grdf", "grdfdelete"])
def test_the_form_has_the_defaults_of_the_hooks(kind: str) -> None:
    usual = {each.name: each.default for each in fields(GrdfConnection)}
    shown = {name: field["schema"]["default"] for name, field in TYPES[kind]["conn-fields"].items()}
    assert [name for name, value in shown.items() if value is not None and value != usual[name]] == []


def test_no_default_is_hidden_by_airflow() -> None:
    """Airflow hides values by the field's name, and a form would then store the three stars of a hidden default."""
    from airflow._shared.secrets_masker import should_hide_value_for_key

    for kind, each in TYPES.items():
        for name, field in each["conn-fields"].items():
            if should_hide_value_for_key(name):
                assert field["schema"]["default"] is None, (kind, name)
                assert "enum" not in field["schema"], (kind, name)
