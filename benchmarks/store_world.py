"""The measured households among many others, and alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.couch_places import RAW, TIMEOUT, Place, Server, server
from benchmarks.report import Row
from benchmarks.store_fleet import MOST_STEPS, Member, count, fill, write
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import ACCOUNT, DAY, METER, MONTH, YEAR

HISTORIES = {"1 month": 30, "1 year": 365, "3 years": 1095, "10 years": 3652}
SPREAD = 5000
"""Other households among whose ids the measured ones lie."""
STATE = "state.json"


@dataclass
class State:
    """The progress of a kept store, with a row of measurements per step."""

    history: int
    members: int
    filled: int = 0
    step: int = 0
    seconds: float = 0.0
    points: list[Row] = field(default_factory=list)


@dataclass
class World:
    """The benchmark's databases: ``busy`` with others, ``alone`` without."""

    server: Server
    folder: Path
    busy: Place
    alone: Place
    members: dict[str, list[Member]]
    state: State
    keep: Path

    def save(self) -> None:
        draft = self.keep / f"{STATE}.new"
        draft.write_text(json.dumps(asdict(self.state), indent=1), encoding="utf-8")
        draft.replace(self.keep / STATE)

    def fill(self, wanted: int, until: float) -> tuple[int, float]:
        """Store other households ``until`` a ``time.monotonic()``; return their number and the seconds."""
        first, began = self.state.filled, time.monotonic()
        before = self.state.seconds
        for filled in fill(self.busy, self.state.history, first, wanted, until):
            self.state.filled = filled
            self.state.seconds = before + time.monotonic() - began
            self.save()
        return self.state.filled - first, time.monotonic() - began

    def next_step(self) -> int:
        """Return the next day's number; ``ValueError`` after the end of February."""
        if self.state.step >= MOST_STEPS:
            raise ValueError(f"the store in {self.keep} was measured {MOST_STEPS} times: remove it and fill a new one")
        self.state.step += 1
        self.save()
        return self.state.step

    def missing(self) -> dict[str, int]:
        """Return the number of missing documents by doctype, negative if there are too many."""
        found = {}
        for doctype in (DAY, MONTH, YEAR):
            each = len(Member("any", 0, self.state.history).documents()[doctype])
            measured = sum(_held(self.busy, doctype, member) for group in self.members.values() for member in group)
            found[doctype] = self.state.filled * each + measured - count(self.busy, doctype)[0]
        return {doctype: number for doctype, number in found.items() if number}

    def size(self) -> tuple[int, int]:
        documents, size = 0, 0
        for place in (self.busy, self.alone):
            for doctype in (DAY, MONTH, YEAR, ACCOUNT):
                number, bytes_ = count(place, doctype)
                documents, size = documents + number, size + (bytes_ or 0)
        if not size:  # the embedded server does not report it
            size = sum(file.stat().st_size for file in (self.folder / "db").rglob("*") if file.is_file())
        return documents, size


def _servers() -> list[Path]:
    """Return the system's folders about the embedded server, if any."""
    me = os.getpid()
    try:
        children = Path(f"/proc/{me}/task/{me}/children").read_text("ascii").split()
    except OSError:
        return []
    return [Path(f"/proc/{child}") for child in children]


def server_memory() -> float | None:
    """Return the embedded server's resident memory in MB, if reported."""
    pages = [int((each / "statm").read_text("ascii").split()[1]) for each in _servers()]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else None


def cpu_ms() -> float | None:
    """Return the CPU milliseconds of this process and the embedded server, if reported."""
    try:
        spent = [
            int(file.read_text("ascii").split()[0]) for each in _servers() for file in each.glob("task/*/schedstat")
        ]
    except OSError:
        return None
    return sum(spent) / 1e6 + time.process_time() * 1000 if spent else None


@contextmanager
def opened(home: Path, keep: Path | None, history: int, repeat: int) -> Iterator[World]:
    """Yield the databases, new or as kept by an earlier run; ``ValueError`` if that had other numbers."""
    folder = keep or home / "store"
    folder.mkdir(parents=True, exist_ok=True)
    state = _kept(folder, history, repeat + 1)
    with ExitStack() as stack:
        couch = stack.enter_context(server(folder / "couch"))
        if keep:
            busy, alone = (Place(couch.url, couch.auth, f"bench-store-{name}-") for name in ("busy", "alone"))
        else:
            busy, alone = stack.enter_context(couch.fresh()), stack.enter_context(couch.fresh())
        members = {
            name: [
                Member(
                    f"fleet-{(2 * at + 1) * SPREAD // (2 * state.members):06}-{name.replace(' ', '-')}",
                    9_000_000 + number * 1000 + at,
                    days,
                )
                for at in range(state.members)
            ]
            for number, (name, days) in enumerate(HISTORIES.items())
        }
        world = World(couch, folder / "couch", busy, alone, members, state, folder)
        if not (folder / STATE).exists():
            for place in (busy, alone):
                _begin(place, members)
            world.save()
        yield world


def _kept(folder: Path, history: int, members: int) -> State:
    file = folder / STATE
    if not file.exists():
        return State(history, members)
    state = State(**json.loads(file.read_text(encoding="utf-8")))
    if (state.history, state.members) != (history, members):
        raise ValueError(
            f"the store in {folder} holds {state.history} days per household and {state.members} measured ones per "
            f"history, not {history} and {members}: give the same --years and --repeat, or another folder"
        )
    return state


def _begin(place: Place, members: dict[str, list[Member]]) -> None:
    """Create the databases and store the measured households before others, where old documents are."""
    connected(place)
    hook = CouchDBHook()
    for doctype in (DAY, MONTH, YEAR, ACCOUNT, METER):
        hook.create_database(doctype)
    with place.session() as http:  # from an interrupted run
        http.put(place.database(RAW), timeout=TIMEOUT)
    for group in members.values():
        for member in group:
            write(place, member.documents())


def connected(place: Place) -> None:
    os.environ["AIRFLOW_CONN_COUCHDB"] = place.airflow_connection()


def _held(place: Place, doctype: str, member: Member) -> int:
    start, end = account_range(member.account)
    with place.session() as http:
        query = {"startkey": json.dumps(start), "endkey": json.dumps(end)}
        answer = http.get(place.database(doctype) + "/_all_docs", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        return len(answer.json()["rows"])


def facts_of(world: World) -> dict[str, Any]:
    return {
        "CouchDB": world.server.greeting,
        "days per other account": world.state.history,
        "measured accounts per history": world.state.members - 1,
        "figures": "medians",
    }
