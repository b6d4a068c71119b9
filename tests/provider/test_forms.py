"""The forms of our connection types as Airflow reads them, and what becomes of what is typed into them."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.models import Connection

from grdf.hooks.connection import AUTHORIZE_URL, GrdfConnection, airflow_connection
from grdf.hooks.couchdb import CouchDBHook
from grdf.provider.provider_info import get_provider_info

TYPES: dict[str, dict[str, Any]] = {each["connection-type"]: each for each in get_provider_info()["connection-types"]}
STANDARD = {"conn_id": "", "client_id": "login", "client_secret": "password", "api_base": "host"}


def test_the_information_is_as_airflow_s_schemas_want_it() -> None:
    info = get_provider_info()
    of_info, of_yaml = (
        json.loads(files("airflow").joinpath(name).read_text(encoding="utf-8"))
        for name in ("provider_info.schema.json", "provider.yaml.schema.json")
    )
    jsonschema.validate(info, of_info)
    jsonschema.validate(info["connection-types"], of_yaml["properties"]["connection-types"])


def test_the_form_asks_for_every_field_of_a_client() -> None:
    assert set(TYPES["grdf"]["conn-fields"]) == {each.name for each in fields(GrdfConnection)} - STANDARD.keys()
    assert set(TYPES["grdfdelete"]["conn-fields"]) < set(TYPES["grdf"]["conn-fields"])
    assert set(TYPES["couchdb"]["conn-fields"]) == {"database_prefix"}
    assert all(map(str.isalpha, TYPES)), "an underscore or a hyphen is spelt in two ways in a connection's URI"


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_has_a_label_help_and_the_default_of_its_hook(kind: str) -> None:
    """Airflow hides values by the field's name, and a form would then store the three stars of a hidden default."""
    from airflow._shared.secrets_masker import should_hide_value_for_key

    usual = {each.name: each.default for each in fields(GrdfConnection)}
    for name, field in TYPES[kind]["conn-fields"].items():
        default = field["schema"]["default"]
        assert (bool(field["label"]), len(field["description"]) > 20) == (True, True), name
        assert default in (None, usual.get(name, default)), name
        assert not should_hide_value_for_key(name) or (default is None and "enum" not in field["schema"]), name


EMPTY = {
    "token_url": None, "scope": None, "calls_per_second": 1, "calls_per_day": 6000, "authorize_url": AUTHORIZE_URL,
    "redirect_uri": None, "issuer": None, "id_token_algorithms": None, "jwks_url": None,
}  # fmt: skip
"""What Airflow 3.3.2 stores when somebody fills in the standard fields alone."""
TYPED = {
    "token_url": "https://login.example/token", "scope": "/adict/v3", "calls_per_second": "0.5",
    "calls_per_day": "1000", "id_token_algorithms": "RS256, ES256", "jwks_url": "https://login.example/keys",
}  # fmt: skip
AS_JSON = TYPED | {"calls_per_second": 0.5, "calls_per_day": 1000, "id_token_algorithms": ["RS256", "ES256"]}
BY_URI = pytest.mark.parametrize("uri", [True, False], ids=["URI, as the Test button gives it", "JSON"])


def given(monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any] | None, *, uri: bool, **more: Any) -> None:
    made = Connection(  # noqa: AIR311 - the one that the API server makes of a form
        conn_id="typed", conn_type=kind, login="us", extra=None if extra is None else json.dumps(extra), **more
    )
    monkeypatch.setenv("AIRFLOW_CONN_TYPED", made.get_uri() if uri else made.as_json())


@BY_URI
@pytest.mark.parametrize("kind", ["grdf", "grdfdelete", "generic", "http"])
def test_a_client_of_any_type_and_origin_means_the_same(
    monkeypatch: pytest.MonkeyPatch, kind: str, *, uri: bool
) -> None:
    def read(extra: dict[str, Any] | None) -> GrdfConnection:
        host = {"host": "https://api.example/adict/v2", "port": 443, "password": "a:b/c@d%"}
        given(monkeypatch, kind, extra, uri=uri, **host)
        return GrdfConnection.from_airflow(airflow_connection("typed"))

    usual, typed = read(None), read(TYPED)
    assert (usual.client_id, usual.client_secret, usual.scope) == ("us", "a:b/c@d%", "/adict/v2")
    assert usual.api_base == "https://api.example:443/adict/v2"
    assert usual == read(EMPTY) == read(dict.fromkeys(EMPTY, ""))
    assert typed == read(AS_JSON)
    assert (typed.calls_per_second, typed.calls_per_day, typed.id_token_algorithms) == (0.5, 1000, ("RS256", "ES256"))


@BY_URI
@pytest.mark.parametrize("kind", ["couchdb", "generic", "http"])
def test_so_does_a_couchdb(monkeypatch: pytest.MonkeyPatch, kind: str, *, uri: bool) -> None:
    for prefix, meant in ((None, ""), ("", ""), ("cozy/", "cozy/")):
        place = {"host": "couch.example", "schema": "https", "port": 6984, "password": "p/@:"}
        given(monkeypatch, kind, {"database_prefix": prefix}, uri=uri, **place)
        assert CouchDBHook("typed").facts == ("https://couch.example:6984", "us", "p/@:", meant)
