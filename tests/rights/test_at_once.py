"""Two households that bring one meter at the same moment, to two workers: one has it, never both, never none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import requests

from include.gas.account.status import Status
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import database_name
from tests.importing.scene import paced

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

TIMES = int(os.environ.get("GRDF_TEST_AT_ONCE", "500"))
SECONDS = 50
"""After which no further meter is begun: how many there were is printed."""
FIRST = 7_400_000
ROOT = Path(__file__).resolve().parents[2]


def signed(world: LocalWorld, pce: str, right: str) -> str:
    """Return the ``id_token`` that GRDF would give for a right."""
    now, facts = datetime.now(UTC), world.facts
    claims = {
        "iss": facts["issuer"], "aud": facts["client_id"], "sub": right, "iat": now, "exp": now + timedelta(hours=1),
        "consentements": json.dumps([{"pce": pce, "id_accreditation": right}]),
    }  # fmt: skip
    return jwt.encode(claims, facts["client_secret"], algorithm="HS256")


def households(world: LocalWorld, pces: list[str], name: str) -> None:
    """Let a household consent for each meter, and have an account as cozy-stack leaves it."""
    rights = world.control.consent(pces, keep_others=True)
    documents = [
        {
            "_id": f"{name}-{number}", "account_type": "grdfgrandlyon", "oauth": {},
            "oauth_callback_results": {"id_token": signed(world, right["id_pce"], right["id_droit_acces"])},
        }
        for number, right in enumerate(rights)
    ]  # fmt: skip
    url, login = f"{world.couch.url}/{database_name(ACCOUNT)}/_bulk_docs", (world.couch.user, world.couch.password)
    requests.post(url, json={"docs": documents}, auth=login, timeout=60).raise_for_status()


def worker(env: dict[str, str], log: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.rights.at_once"], env=os.environ | env | {"PYTHONPATH": paths},
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True,
        )  # fmt: skip


def tell(process: subprocess.Popen[str], account: str) -> None:
    assert process.stdin
    process.stdin.write(account + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip() or "ended"


def test_one_of_two_accounts_has_it(clean: LocalWorld, tmp_path: Path) -> None:
    pces = [f"0999999{FIRST + number:07}" for number in range(TIMES)]
    for name in ("one", "two"):
        households(clean, pces, name)
    env: dict[str, Any] = paced(clean, 10_000)
    clean.control.set(calls_per_second=None)
    workers = [worker(env, tmp_path / f"{name}.log") for name in ("one", "two")]
    ended: Counter[tuple[str, ...]] = Counter()
    try:
        for number in range(TIMES):
            if number == 1:
                began = time.monotonic()  # both have started
            elif number and time.monotonic() - began > SECONDS:
                break
            tell(workers[0], f"one-{number}")
            time.sleep(0.0005 * (number % 40))  # so that they meet at each step once
            tell(workers[1], f"two-{number}")
            ended[tuple(sorted(answer(process) for process in workers))] += 1
    finally:
        for process in workers:
            process.communicate(timeout=60)
    print(f"{sum(ended.values())} meters: {ended}")
    assert {*ended} == {("NotInForce", "has 1")}, (tmp_path / "one.log").read_text(errors="replace")[-3000:]
    both, none = [], []
    for number in range(sum(ended.values())):
        having = [name for name in ("one", "two") if has(clean, f"{name}-{number}", pces[number])]
        (both if len(having) > 1 else none if not having else []).append(number)
    assert (both, none) == ([], [])


def has(world: LocalWorld, account: str, pce: str) -> bool:
    """Return whether an account may hold days of a meter."""
    return bool(Status.held(world.book.get(account) or {})[pce].days)
