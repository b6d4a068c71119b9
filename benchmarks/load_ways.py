"""The ways of storing a meter that are compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from benchmarks.household import ACCOUNT, PCE, Household, Told
from grdf import settings
from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.load import LoadOperator
from grdf.staging.area import StagedAnswer, Staging
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.documents.doctypes import ACCOUNT as ACCOUNTS
from include.gas.documents.doctypes import DAY, METER, MONTH, YEAR
from include.gas.documents.gas_days import day_document
from include.gas.documents.storing import load_answer
from include.gas.documents.totals import month_documents, year_documents
from tests.couch_places import RAW, TIMEOUT, Place
from tests.helpers import context
from tests.konnector import Konnector
from tests.meter_documents import meter_document

FIRST, DAILY = "first import", "daily run"


@dataclass(frozen=True)
class Run:
    """One run to measure.

    :param name: which of the two runs it is
    :param work: performs the run; everything it needs has been prepared
    :param truth: GRDF's kWh by gas day at that time, which the store must match
    """

    name: str
    work: Callable[[], Any]
    truth: dict[date, int]


class Way(ABC):
    """A way of storing a meter, with fresh databases.

    :param place: the place for the databases, which do not exist yet
    :param household: the data that GRDF reports
    """

    blind_to_corrections = False

    def __init__(self, place: Place, household: Household) -> None:
        self.place = place
        self.household = household

    @abstractmethod
    def runs(self) -> list[Run]:
        """Return the runs, in order."""

    @abstractmethod
    def requests_sent(self) -> int:
        """Return how many requests it claims to have sent."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    def check(self, run: Run) -> dict[str, int]:
        """Return how many figures in the store differ from GRDF's after a run.

        :param run: the run that has just ended
        """
        return self.place.stored().differences(run.truth)


class RawWrite(Way):
    """All documents of the first import in one ``_bulk_docs``, into one database."""

    def __init__(self, place: Place, household: Household) -> None:
        super().__init__(place, household)
        told = household.first_answer
        days = [day_document(ACCOUNT, reading, PCE, told.read_at) for reading in told.readings()]
        totals = [month_documents(ACCOUNT, PCE, days), year_documents(ACCOUNT, PCE, days)]
        self._documents = days + [document for each in totals for document in each.values()]
        self._sent = 0
        self._http = place.session()
        place.create(RAW)

    def runs(self) -> list[Run]:
        return [Run(FIRST, self._write, self.household.at_first)]

    def requests_sent(self) -> int:
        return self._sent

    def close(self) -> None:
        self._http.close()

    def check(self, run: Run) -> dict[str, int]:  # noqa: ARG002 - it has one run only
        return {"documents missing": len(self._documents) - len(self.place.documents(RAW))}

    def _write(self) -> None:
        self._sent += 1
        answer = self._http.post(
            self.place.database(RAW) + "/_bulk_docs", json={"docs": self._documents}, timeout=TIMEOUT
        )
        answer.raise_for_status()
        if errors := [row for row in answer.json() if "error" in row]:
            raise RuntimeError(f"CouchDB refused {len(errors)} documents of the raw write: {errors[0]}")


class TwoLoads(Way):
    """A way that loads one answer a run."""

    def runs(self) -> list[Run]:
        home = self.household
        return [
            Run(FIRST, self._load(home.first_answer), home.at_first),
            Run(DAILY, self._load(home.daily_answer), home.later),
        ]

    @abstractmethod
    def _load(self, told: Told) -> Callable[[], Any]:
        """Return what loads an answer."""


class LoadAnswer(TwoLoads):
    """``load_answer`` with the project's hook and existing databases: every import but an installation's first."""

    databases: tuple[str, ...] = (DAY, MONTH, YEAR)

    def __init__(self, place: Place, household: Household) -> None:
        super().__init__(place, household)
        hook = CouchDBHook()
        for doctype in self.databases:
            hook.create_database(doctype)
        self._hook = CouchDBHook()
        self._hook.get_conn()  # sends nothing

    def requests_sent(self) -> int:
        return self._hook.requests_sent

    def close(self) -> None:
        self._hook.get_conn().close()

    def _load(self, told: Told) -> Callable[[], Any]:
        readings = told.readings()
        return lambda: load_answer(self._hook, ACCOUNT, PCE, readings, told.read_at)


class FirstOfAll(LoadAnswer):
    """The same without any databases: the very first import of an installation creates them."""

    databases = ()


class LoadTask(Way):
    """The whole task ``load``: read the account and the staged answer, load it, and note that on the account."""

    def __init__(self, place: Place, household: Household) -> None:
        super().__init__(place, household)
        hook = CouchDBHook()
        for doctype in (DAY, MONTH, YEAR, ACCOUNTS, METER):
            hook.create_database(doctype)
        hook.put(METER, meter_document(PCE, ACCOUNT, "bench-accreditation"))
        meter = {"pce": PCE, "id_accreditation": "bench-accreditation"}
        hook.put(
            ACCOUNTS,
            {
                "_id": ACCOUNT,
                "account_type": ACCOUNT_TYPE,
                "oauth": {},
                "oauth_callback_results": {"pce_id": PCE, "consents": [meter]},
            },
        )
        self._hooks: list[CouchDBHook] = []

    def runs(self) -> list[Run]:
        home = self.household
        first, daily = _staged(home.first_answer), _staged(home.daily_answer)
        first = replace(first, history_from=first.first)
        return [Run(FIRST, self._task(first), home.at_first), Run(DAILY, self._task(daily), home.later)]

    def requests_sent(self) -> int:
        return sum(hook.requests_sent for hook in self._hooks)

    def close(self) -> None:
        for hook in self._hooks:
            hook.get_conn().close()

    def _task(self, answer: StagedAnswer) -> Callable[[], Any]:
        staging = Staging(settings.staging_url())
        reference = staging.put(ACCOUNT, f"bench {answer.first} {answer.end}", [answer])
        task = LoadOperator(task_id="load", account_id=ACCOUNT, staged={"reference": reference, "problems": []})
        task.couchdb.get_conn()
        self._hooks.append(task.couchdb)
        return lambda: task.perform(context(run_id="bench"))


class KonnectorWay(TwoLoads):
    """The konnector's algorithm."""

    blind_to_corrections = True

    def __init__(self, place: Place, household: Household) -> None:
        super().__init__(place, household)
        place.create(DAY, MONTH, YEAR)
        self._konnector = Konnector(place)

    def requests_sent(self) -> int:
        return self._konnector.requests_sent

    def close(self) -> None:
        self._konnector.close()

    def _load(self, told: Told) -> Callable[[], Any]:
        readings = told.readings()
        return lambda: self._konnector.load(readings)


def _staged(told: Told) -> StagedAnswer:
    return StagedAnswer(PCE, told.window, told.read_at, told.body)


RAW_WRITE = "one raw _bulk_docs"
OURS = "ours (load_answer)"
KONNECTOR = "the konnector's way"
WAYS: dict[str, type[Way]] = {
    RAW_WRITE: RawWrite,
    OURS: LoadAnswer,
    "ours, no database there yet": FirstOfAll,
    "ours, the whole task load": LoadTask,
    KONNECTOR: KonnectorWay,
}
