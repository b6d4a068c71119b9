"""The requests of a daily run to CouchDB: timed, counted and verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.couch_places import RAW, TIMEOUT, Place
from benchmarks.counting_proxy import CountingProxy
from benchmarks.report import Report
from benchmarks.store_fleet import Member, stored_of
from benchmarks.store_world import connected, cpu_ms
from benchmarks.timing import Figures, watch
from grdf import settings
from grdf.operators.load import LoadOperator
from grdf.staging.staged_answers import StagedAnswer, Staging
from tests.helpers import context


@dataclass(frozen=True)
class Traffic:
    """What one daily run sends: ``reads`` by ``extract``, ``requests`` and bytes by ``load``."""

    reads: int
    requests: int
    bytes: int


class DailyRun:
    """One household's daily run, with a prepared answer of GRDF."""

    def __init__(self, place: Place, member: Member, step: int) -> None:
        self.place, self.member, self.step = place, member, step
        connected(place)
        window, body, read_at = member.answer(step)
        answer = StagedAnswer(member.pce, window, read_at, body)
        self.run = f"{place.prefix} {step}"
        Staging(settings.staging_url()).put(member.account, self.run, [answer])
        self.task = LoadOperator(task_id="load", account_id=member.account, staged={"answers": 1, "problems": []})
        self.task.couchdb.get_conn()

    def extract(self) -> None:
        """Make the requests of ``extract``: the account, its meters, and whether it leaves."""
        accounts, member = self.task.accounts, self.member
        self.task.ledger.read_account(accounts.read_document(member.account))
        accounts.read_account(member.account)

    def load(self) -> dict[str, Any]:
        return self.task.perform(context(run_id=self.run))

    def close(self, report: Report) -> None:
        """Close the connection, and compare the store with GRDF."""
        self.task.couchdb.get_conn().close()
        off = stored_of(self.place, self.member).differences(self.member.loads(self.step))
        if wrong := ", ".join(f"{number} {what}" for what, number in off.items() if number):
            report.wrong.append(f"{self.member.account} after daily run {self.step}: {wrong}")


def timed(report: Report, place: Place, member: Member, step: int) -> Figures:
    """Do a daily run; return milliseconds of ``extract``'s requests and ``load``, and the latter's CPU time."""
    run = DailyRun(place, member, step)
    with watch() as reads:
        run.extract()
    with watch() as load:
        before = cpu_ms()  # inside, after the watch has collected garbage
        run.load()
        after = cpu_ms()
    run.close(report)
    cpu = {"cpu": after - before} if before is not None and after is not None else {}
    return {"extract": reads.wall, "load": load.wall} | cpu


def counted(report: Report, place: Place, member: Member, step: int) -> Traffic:
    """Do a daily run through a proxy, and return what it saw."""
    with CountingProxy(place.url) as proxy:
        run = DailyRun(Place(proxy.url, place.auth, place.prefix), member, step)
        run.extract()
        reads, before = len(proxy.seen), sum(proxy.bytes)
        run.load()
        traffic = Traffic(reads, len(proxy.seen) - reads, sum(proxy.bytes) - before)
        run.close(report)
    said = run.task.couchdb.requests_sent
    if said != traffic.reads + traffic.requests:
        report.wrong.append(
            f"{member.account}, daily run {step}: our hook says it sent {said} requests, the proxy saw "
            f"{traffic.reads + traffic.requests}"
        )
    return traffic


def raw_write(place: Place, documents: list[dict[str, Any]]) -> Figures:
    """Write new documents with one ``_bulk_docs``, and return its milliseconds."""
    with place.session() as http:
        with watch() as taken:
            answer = http.post(place.database(RAW) + "/_bulk_docs", json={"docs": documents}, timeout=TIMEOUT)
        answer.raise_for_status()
        if refused := [row for row in answer.json() if "error" in row]:
            raise RuntimeError(f"CouchDB refused {len(refused)} documents of the raw write: {refused[0]}")
    return {"load": taken.wall}
