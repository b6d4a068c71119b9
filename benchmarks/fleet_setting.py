"""A running fleet with GRDF's stand-in, CouchDB, PostgreSQL and Airflow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fleet_accounts import Fleet
from benchmarks.fleet_airflow import FleetAirflow
from benchmarks.fleet_asked import Asked
from benchmarks.fleet_clients import environment, several
from benchmarks.fleet_processes import cpu_seconds, memory
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.postgres import Postgres, start_postgres


@dataclass
class Running:
    """A running fleet, ``started`` at a ``time.monotonic()``."""

    world: LocalWorld
    fleet: Fleet
    airflow: FleetAirflow
    database: Postgres
    processes: Processes
    started: float

    def roots(self) -> dict[str, int]:
        found = {name: child.pid for name, child in self.airflow.children.items()}
        found["postgres"] = self.database.child.pid
        if self.world.couch.pid:
            found["couchdb"] = self.world.couch.pid
        found["grdf sandbox"] = self.world.processes.children[0].pid
        return found

    def cpu(self) -> dict[str, float]:
        return cpu_seconds(self.roots())

    def memory(self) -> dict[str, dict[str, float]]:
        return memory(self.roots())

    def start_dags(self) -> None:
        self.airflow.start(self.processes, "api-server", "dag-processor")
        accounts = len(self.fleet.members)
        seconds = self.airflow.await_dags(accounts, 120 + accounts)
        self.say(f"Airflow has all DAGs, {seconds:.0f} s after its DAG processor was started.")

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.started:6.0f} s] {text}", flush=True)

    def calls(self) -> list[dict[str, Any]]:
        return [call for call in self.world.control.log() if call["grant"] and "/access_token" not in call["path"]]


@contextmanager
def running(home: Path, asked: Asked) -> Iterator[Running]:
    """Start everything except Airflow's components, connect the accounts, and store older days."""
    started = time.monotonic()
    with LocalWorld(home / "world") as world, Processes() as processes:
        database = start_postgres(world.processes)
        clients = several(asked.clients)
        os.environ |= world.connections() | environment(world, clients)
        fleet = Fleet(asked.accounts, world.control.today(), clients)
        airflow = FleetAirflow(home / "airflow", world, database, asked, clients)
        here = Running(world, fleet, airflow, database, processes, started)
        airflow.migrate()
        here.say("GRDF's stand-in, CouchDB and PostgreSQL run; Airflow's tables are made.")
        fleet.connect(world)
        if asked.idle:  # nothing is read: the accounts may exceed GRDF's quota of a day
            here.say(f"{asked.accounts} accounts are connected.")
        else:
            fleet.seed()
            here.say(f"{asked.accounts} accounts are connected, with the days up to {fleet.seeded_end} stored.")
        world.control.set(calls_per_second=asked.per_second)
        world.control.drop_calls()
        world.control.clear_log()
        yield here
