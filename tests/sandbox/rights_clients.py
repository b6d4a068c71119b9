"""Clients of the calls about rights: lowatt-grdf, and a reader of plain answers."""

from __future__ import annotations

import json
from typing import Any

import requests
from lowatt_grdf import api


def client(adict: Any, who: str = "") -> api.API:
    class SandboxAPI(api.API):
        scope = "/adict/v2"
        api = adict.facts["adict_base"]
        _auth_endpoint = adict.facts["token_url"]

    return SandboxAPI(adict.facts[f"{who}client_id"], adict.facts[f"{who}client_secret"])


def listing(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    *rights, status = (json.loads(line) for line in answer.text.splitlines())
    assert status["code_statut_traitement"] == "0000000000"
    return rights
