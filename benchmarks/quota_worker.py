"""A worker of the quota benchmark: some days of some meters, one call after the other.

It prints ``ready``, reads ``[[account, meter], ...]`` as JSON from a line of input, and starts; with a number of
seconds as an argument, without our hook and with that pause.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import requests

from grdf.hooks.adict import AdictHook
from include.gas.days.windows import Window
from include.gas.errors import GasError
from tests.helpers import MemoryShelf

TODAY = datetime.now(UTC).date()
WINDOW = Window(TODAY - timedelta(days=5), TODAY - timedelta(days=2))


def by_our_hook() -> Callable[[str, str], object]:
    hook = AdictHook(token_store=MemoryShelf())
    return lambda account, pce: hook.daily_lines(pce, WINDOW, account=account)


def alone(pause: float) -> Callable[[str, str], object]:
    """Return a function that calls like an uncoordinated client: a call, then a pause."""
    oauth = AdictHook().oauth
    headers = {"Authorization": f"Bearer {oauth.request_data_token().value}"}
    dates = {"date_debut": WINDOW.first.isoformat(), "date_fin": WINDOW.end.isoformat()}

    def call(account: str, pce: str) -> None:
        url = f"{oauth.facts.api_base}/pce/{pce}/donnees_consos_informatives"
        requests.get(url, dates, headers=headers, timeout=30)
        time.sleep(pause)

    return call


def main(pause: float | None) -> None:
    """Make the calls. Go on after a refusal."""
    print("ready", flush=True)
    work = json.loads(sys.stdin.readline())
    call = by_our_hook() if pause is None else alone(pause)
    refused = []
    for account, pce in work:
        try:
            call(account, pce)
        except GasError as error:
            refused.append(f"{type(error).__name__}: {error}")
    print(json.dumps({"refused": refused}), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else None)
