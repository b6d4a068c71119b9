"""The databases of the store benchmark: the measured households among many others, and the same ones alone."""

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
"""Number of other households among whose ids those of the measured ones lie."""
STATE = "state.json"


@dataclass
class State:
    """The progress of a kept store.

    :param history: number of gas days of each other household
    :param members: number of measured households per length of history
    :param filled: number of other households stored so far
    :param step: number of daily runs that the measured households have had
    :param seconds: time spent on storing other households
    :param points: the measurements, one row per step
    """

    history: int
    members: int
    filled: int = 0
    step: int = 0
    seconds: float = 0.0
    points: list[Row] = field(default_factory=list)


@dataclass
class World:
    """The benchmark's databases.

    :param server: the CouchDB
    :param folder: data folder of the embedded server; empty for a server elsewhere
    :param busy: databases with the measured households among many others
    :param alone: databases with only the measured households
    :param members: the measured households, by the length of their history
    :param state: the progress
    :param keep: the folder that keeps the state
    """

    server: Server
    folder: Path
    busy: Place
    alone: Place
    members: dict[str, list[Member]]
    state: State
    keep: Path

    def save(self) -> None:
        """Save the state atomically."""
        draft = self.keep / f"{STATE}.new"
        draft.write_text(json.dumps(asdict(self.state), indent=1), encoding="utf-8")
        draft.replace(self.keep / STATE)

    def fill(self, wanted: int, until: float) -> tuple[int, float]:
        """Store other households.

        :param wanted: final number of households
        :param until: when to stop, by ``time.monotonic()``
        :return: the number of households stored now, and the seconds it took
        """
        first, began = self.state.filled, time.monotonic()
        before = self.state.seconds
        for filled in fill(self.busy, self.state.history, first, wanted, until):
            self.state.filled = filled
            self.state.seconds = before + time.monotonic() - began
            self.save()
        return self.state.filled - first, time.monotonic() - began

    def next_step(self) -> int:
        """Go to the next day, and return its number.

        :raises ValueError: if the measured households' February is over
        """
        if self.state.step >= MOST_STEPS:
            raise ValueError(f"the store in {self.keep} was measured {MOST_STEPS} times: remove it and fill a new one")
        self.state.step += 1
        self.save()
        return self.state.step

    def missing(self) -> dict[str, int]:
        """Return the number of missing day, month and year documents by doctype; negative if there are too many."""
        found = {}
        for doctype in (DAY, MONTH, YEAR):
            each = len(Member("any", 0, self.state.history).documents()[doctype])
            measured = sum(_held(self.busy, doctype, member) for group in self.members.values() for member in group)
            found[doctype] = self.state.filled * each + measured - count(self.busy, doctype)[0]
        return {doctype: number for doctype, number in found.items() if number}

    def size(self) -> tuple[int, int]:
        """Return the number of documents in all databases, and their size on disk."""
        documents, size = 0, 0
        for place in (self.busy, self.alone):
            for doctype in (DAY, MONTH, YEAR, ACCOUNT):
                number, bytes_ = count(place, doctype)
                documents, size = documents + number, size + (bytes_ or 0)
        if not size:  # the embedded server does not report it
            size = sum(file.stat().st_size for file in (self.folder / "db").rglob("*") if file.is_file())
        return documents, size


def _servers() -> list[Path]:
    """Return the system's folders with information about the embedded server; none for a server elsewhere."""
    me = os.getpid()
    try:
        children = Path(f"/proc/{me}/task/{me}/children").read_text("ascii").split()
    except OSError:
        return []
    return [Path(f"/proc/{child}") for child in children]


def server_memory() -> float | None:
    """Return the resident memory of the embedded server in MB, if the system reports it."""
    pages = [int((each / "statm").read_text("ascii").split()[1]) for each in _servers()]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else None


def cpu_ms() -> float | None:
    """Return the milliseconds of CPU time of this process and the embedded server, if the system reports it.

    Other load on the machine affects it less than wall-clock time.
    """
    try:
        spent = [
            int(file.read_text("ascii").split()[0]) for each in _servers() for file in each.glob("task/*/schedstat")
        ]
    except OSError:
        return None
    return sum(spent) / 1e6 + time.process_time() * 1000 if spent else None


@contextmanager
def opened(home: Path, keep: Path | None, history: int, repeat: int) -> Iterator[World]:
    """Return the databases, either new with the measured households in them, or as an earlier run has left them.

    :param home: an empty folder for data that is not kept
    :param keep: folder that keeps everything for a later run; ``None`` removes everything at the end
    :param history: number of gas days of each other household
    :raises ValueError: if the kept data was created with other numbers
    """
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
    """Create the databases as the project's hook does, and store the measured households. They come before all others,
    so that their data is where old documents are."""
    connected(place)
    hook = CouchDBHook()
    for doctype in (DAY, MONTH, YEAR, ACCOUNT, METER):
        hook.create_database(doctype)
    with place.session() as http:  # an existing one from an interrupted run is fine
        http.put(place.database(RAW), timeout=TIMEOUT)
    for group in members.values():
        for member in group:
            write(place, member.documents())


def connected(place: Place) -> None:
    """Set Airflow's connection to a set of databases."""
    os.environ["AIRFLOW_CONN_COUCHDB"] = place.airflow_connection()


def _held(place: Place, doctype: str, member: Member) -> int:
    start, end = account_range(member.account)
    with place.session() as http:
        query = {"startkey": json.dumps(start), "endkey": json.dumps(end)}
        answer = http.get(place.database(doctype) + "/_all_docs", params=query, timeout=TIMEOUT)
        answer.raise_for_status()
        return len(answer.json()["rows"])


def facts_of(world: World) -> dict[str, Any]:
    """Return the facts for the report's heading."""
    return {
        "CouchDB": world.server.greeting,
        "days per other account": world.state.history,
        "measured accounts per history": world.state.members - 1,
        "figures": "medians",
    }
