"""Words of CouchDB in an alert: braces, as nested Erlang terms have them, are no template."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from grdf.health.alerting import _literal


@pytest.mark.parametrize("name", ["text", "html_content"])
@pytest.mark.parametrize(
    "said",
    ["{badmatch}", "{{badmatch,1}}", "{{{badmatch,{error,eacces}},[x]}}", "{{{{ 7*7 }}", "{%{% if %}", "{{#{{% x"],
)
def test_they_arrive_as_they_are(name: str, said: str) -> None:
    rendered: Any = jinja2.Environment(autoescape=False).from_string(_literal(said, name)).render()
    assert said.replace(" ", "") in rendered.replace(" ", "")
