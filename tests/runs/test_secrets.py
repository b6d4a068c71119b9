"""A life of several accounts, in which GRDF repeats secrets in its answers. Afterwards, none is found anywhere.

No log, error or XCom names a meter either, at the level DEBUG (every kind of run: ``tests/promises/test_traces.py``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from include.sandbox.connect import code_account, consent, cozy_account
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, holder
from tests.runs.account_run import Run, run, secrets_in

MARK = "Zq9"  # so that invented secrets are found in any surrounding text
COUCH = "AIRFLOW_CONN_COUCHDB"


def couch_texts(world: LocalWorld) -> Iterator[tuple[str, str]]:
    auth = (world.couch.user, world.couch.password)
    for name in requests.get(f"{world.couch.url}/_all_dbs", auth=auth, timeout=30).json():
        url = f"{world.couch.url}/{requests.utils.quote(name, safe='')}/_all_docs"
        rows = requests.get(url, params={"include_docs": "true"}, auth=auth, timeout=60).json()["rows"]
        yield from ((f"{name} {row['id']}", json.dumps(row.get("doc"), ensure_ascii=False)) for row in rows)


def repeating(token: str, mail: str, secret: str, pce: str) -> list[dict[str, Any]]:
    said = f"Le titulaire {mail} de {pce} a révoqué, client_secret={secret}"
    return [
        {"status": 503, "body": f"<html>Authorization: Bearer {token} {mail} {pce}"},
        {"status": 401, "body": {"erreur": f"jeton Bearer {token} refusé pour {pce}"}},
        {"status": 400, "body": {"statut_restitution": {"code": "9999400", "message": f"{mail} {pce} Bearer {token}"}}},
        {"status": 200, "body": {"consommation": None, "statut_restitution": {"code": "1000014", "message": said}}},
        {"status": 200, "body": f'{{"pce": "Bearer {token}'},
        {"status": 200, "cut": True},
        {"status": 302, "body": f"Bearer {token}"},
    ]


def test_no_secret_is_left_anywhere(
    clean: LocalWorld, own_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)  # but urllib3, see tests/conftest.py
    cozy, code, forged = "cozy-60301", "code-60302", "forged-60303"
    facts, control, shelf, runs = clean.facts, clean.control, MemoryShelf(), list[Run]()
    other_scope, wrong = f"{MARK}-token-of-another-scope-0123456789", f"{MARK}-wrong-password"
    secrets = {facts["client_secret"], facts["delete_client_secret"], clean.couch.password, other_scope, wrong}
    for name in (cozy, code, forged):
        who = holder(name)
        grant = consent(facts, who)
        document = code_account(name, grant) if name == code else cozy_account(name, grant, facts)
        secrets |= {grant["code"], grant["nonce"], who.email}
        if name != code:
            results = document["oauth_callback_results"]
            if name == forged:
                results["id_token"] = results["id_token"][:-8] + MARK + "forged"
            secrets |= {document["oauth"]["access_token"], results["id_token"], *results["id_token"].split(".")}
        clean.book.save(document)

    def lives(name: str, *, well: bool) -> None:
        for file in (own_home / "grdf").glob("quota.db*"):
            file.unlink()  # after a refusal of our client, no task would call for a while
        runs.append(run(clean, name, by_hand=True, shelf=shelf))
        assert bool(runs[-1].failed) is not well, runs[-1].said
        if shelf.text:
            secrets.add(json.loads(shelf.text)["value"])

    for name in (cozy, code, cozy):
        lives(name, well=True)
    lives(forged, well=False)
    control.drop_tokens()
    lives(cozy, well=True)  # a 401, and a new token
    (pce,), mail = holder(cozy).pces, holder(cozy).email
    for fault in repeating(json.loads(shelf.text or "")["value"], mail, facts["client_secret"], pce):
        control.set(faults=[])
        control.fault(f"/pce/{pce}/", times=None, **fault)
        lives(cozy, well=False)
    for status, body in (
        (401, {"error": "invalid_client", "error_description": f"client_secret={facts['client_secret']}"}),
        (200, f"<html>client_secret={facts['client_secret']}&client_id=x"),
        (200, {"access_token": other_scope, "scope": "openid", "expires_in": 100}),
    ):
        shelf.clear()
        control.set(faults=[])
        control.fault("/access_token", times=None, status=status, body=body)
        lives(cozy, well=False)
    control.set(faults=[])
    with monkeypatch.context() as patch:
        patch.setenv(COUCH, json.dumps(json.loads(clean.connections()[COUCH]) | {"password": wrong}))
        lives(cozy, well=False)
    lives(cozy, well=True)
    secrets = {secret for secret in secrets if len(secret) > 6}
    assert len(secrets) > 15

    def assert_clean(where: str, text: str) -> None:
        assert [secret for secret in secrets if secret in text] == [], where

    # Refused grants stay in their account unchanged. The household's next consent replaces them.
    clean.book.save({"_id": forged, "account_type": "grdfgrandlyon"})
    printed = "".join(capfd.readouterr())
    assert f"Account {cozy}" in printed + caplog.text
    assert_clean("what was printed and logged", printed + caplog.text)
    assert pce not in printed + caplog.text
    for done in runs:
        assert_clean("XComs", json.dumps(done.returned))
        assert_clean("an error", done.said)
        assert pce not in json.dumps(done.returned) + done.said
        assert [each for each in done.returned.values() if len(json.dumps(each)) > 2000] == [], "counts, no payload"
    for where, text in couch_texts(clean):
        if "io-cozy-accounts" not in where or where.endswith((cozy, code, forged)):
            assert_clean(where, text)
    assert [secrets_in(clean.book.get(name)) for name in (cozy, code)] == [[], []]
    for file in own_home.rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_bytes().decode("utf-8", "replace"))
    assert [file for file in own_home.rglob("*.json") if "staging" in file.parts] == []
