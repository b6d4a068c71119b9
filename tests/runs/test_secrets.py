"""A whole life of several accounts, good and bad. Afterwards, no secret that ever existed is found anywhere."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from include.sandbox.adict.world import DEFAULTS
from include.sandbox.connect import code_account, consent, cozy_account
from tests.airflow_rows import rows_of
from tests.helpers import holder
from tests.runs.shelves import secrets_in

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

MARK = "Zq9"  # so that invented secrets are found in any surrounding text


def couch_texts(world: LocalWorld) -> Iterator[tuple[str, str]]:
    """Return every document of every database, as text."""
    auth = (world.couch.user, world.couch.password)
    for name in requests.get(f"{world.couch.url}/_all_dbs", auth=auth, timeout=30).json():
        url = f"{world.couch.url}/{requests.utils.quote(name, safe='')}/_all_docs"
        rows = requests.get(url, params={"include_docs": "true"}, auth=auth, timeout=60).json()["rows"]
        for row in rows:
            yield f"{name} {row['id']}", json.dumps(row.get("doc"), ensure_ascii=False)


@pytest.fixture(scope="module")
def life(world: LocalWorld, airflow: Worker) -> tuple[str, set[str], list[str]]:
    """Let everything happen. Return the log, the secrets and the accounts."""
    world.control.set(**DEFAULTS)
    cozy, code, forged = "cozy-60301", "code-60302", "forged-60303"
    facts = world.facts
    other_scope = f"{MARK}-token-of-another-scope-0123456789"
    secrets = {facts["client_secret"], facts["delete_client_secret"], world.couch.password, other_scope}
    output = []

    def run(name: str, wanted: str, **env: str) -> None:
        done = airflow.run(name, env=env)
        assert done.state == wanted, done.output
        output.append(done.output)

    for name in (cozy, code, forged):
        who = holder(name)
        grant = consent(facts, who)
        document = code_account(name, grant) if name == code else cozy_account(name, grant, facts)
        secrets |= {grant["code"], grant["nonce"], who.email}
        results = document.get("oauth_callback_results", {})
        if name != code:
            secrets |= {document["oauth"]["access_token"], results["id_token"]}
            secrets |= set(results["id_token"].split("."))
        if name == forged:
            results["id_token"] = results["id_token"][:-8] + MARK + "forged"
            secrets.add(results["id_token"])
        world.book.save(document)

    def shared(*, is_kept: bool = True) -> None:
        token = airflow.ask("shared_token").get("value", "")
        assert (len(token) > 20) is is_kept
        if token:
            secrets.add(token)

    airflow.ask("forget_token")
    run(cozy, "success")
    shared()
    run(code, "success")
    run(forged, "failed")
    run(cozy, "success")
    world.control.drop_tokens()
    run(cozy, "success")  # a 401, and a new token
    shared()

    # GRDF and its gateway repeat secrets in their answers.
    pce = holder(cozy).pces[0]
    token, mail = airflow.ask("shared_token")["value"], holder(cozy).email
    for fault in (
        {"status": 503, "body": f"<html>Authorization: Bearer {token} {mail}"},
        {"status": 401, "body": {"erreur": f"jeton Bearer {token} refusé"}},
        {"status": 400, "body": {"statut_restitution": {"code": "9999400", "message": f"{mail} Bearer {token}"}}},
        {"status": 200, "body": {"consommation": None, "statut_restitution": {
            "code": "1000014", "message": f"Le titulaire {mail} a révoqué, client_secret={facts['client_secret']}"}}},
        {"status": 200, "body": f'{{"pce": "Bearer {token}'},
        {"status": 200, "cut": True},
        {"status": 302, "body": f"Bearer {token}"},
    ):  # fmt: skip
        world.control.set(faults=[])
        world.control.fault(f"/pce/{pce}/", times=None, **fault)
        run(cozy, "failed")
        shared(is_kept=fault["status"] != 401)
    world.control.set(faults=[])
    for body in (
        {"error": "invalid_client", "error_description": f"client_secret={facts['client_secret']}"},
        f"<html>client_secret={facts['client_secret']}&client_id=x",
        {"access_token": other_scope, "scope": "openid", "expires_in": 100},
    ):  # fmt: skip
        airflow.ask("forget_token")
        world.control.set(faults=[])
        status = 401 if isinstance(body, dict) and "error" in body else 200
        world.control.fault("/access_token", times=None, status=status, body=body)
        run(cozy, "failed")
    world.control.set(faults=[])
    dead = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"]) | {"password": f"{MARK}-wrong-password"}
    secrets.add(dead["password"])
    output.append(airflow.run(cozy, env={"AIRFLOW_CONN_COUCHDB": json.dumps(dead)}).output)
    run(cozy, "success")
    shared()
    return "\n".join(output), {secret for secret in secrets if len(secret) > 6}, [cozy, code, forged]


def test_no_secret_is_left_anywhere(
    world: LocalWorld,
    airflow: Worker,
    steps: Worker,
    airflow_home: Path,
    life: tuple[str, set[str], list[str]],
    tmp_path: Path,
) -> None:
    output, secrets, (cozy, code, forged) = life
    assert len(secrets) > 15
    # Refused grants stay in their account unchanged. The household's next consent replaces them.
    world.book.save({"_id": forged, "account_type": "grdfgrandlyon"})
    pattern = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))

    def clean(where: str, text: str) -> None:
        found = pattern.search(text)
        assert found is None, f"{where}: ...{text[max(0, found.start() - 200) : found.start()]}<<SECRET>>..."

    clean("printed and logged by dag.test()", output)
    clean("all that the worker ever logged", airflow.log.read_text(errors="replace"))
    for where, text in rows_of(airflow_home / "airflow.db"):
        clean(f"Airflow's database, table {where}", text)
    for where, text in couch_texts(world):
        if "io-cozy-accounts" not in where or where.endswith((cozy, code, forged)):
            clean(f"CouchDB, {where}", text)
    for name in (cozy, code):
        assert secrets_in(world.book.get(name)) == []
    for file in airflow_home.rglob("*"):
        if file.is_file() and not file.name.startswith("airflow.db"):
            clean(str(file), file.read_bytes().decode("utf-8", "replace"))

    # Nothing is left in staging. Only the owner can read the files of a run in progress.
    files = [found for found in (airflow_home / "grdf" / "staging").rglob("*") if found.is_file()]
    assert [found for found in files if not found.name.startswith(".run-")] == []  # hashes of imports of other tests
    folder = tmp_path / "staging"
    answer = steps.ask(
        "run_step",
        {"AIRFLOW__GRDF__STAGING_URL": f"file://{folder}"},
        step="extract",
        account=cozy,
        day=world.control.today().isoformat(),
    )
    clean("what extract returns", json.dumps(answer))
    files = [found for found in folder.rglob("*") if found.is_file()]
    assert len(files) == 1
    for place in (*files, files[0].parent, folder):
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0, f"{place} can be read by others"
    clean("staging", files[0].read_text())


def test_xcom_and_rendered_fields_are_small_and_say_what_was_done(
    world: LocalWorld, airflow: Worker, airflow_home: Path, life: tuple[str, set[str], list[str]]
) -> None:
    rows = [text for table, text in rows_of(airflow_home / "airflow.db") if table == "xcom" and life[2][0] in text]
    assert rows
    assert max(map(len, rows)) < 2000, "counts, no payload"
    assert not any("consommation" in row or "journee_gaziere" in row for row in rows)
