"""What the operators tell OpenLineage: where data came from, which days, and how many documents went where.

Nothing of a household is in it: no meter's number, no kWh, and the endpoint without the meter. Airflow's provider for
OpenLineage asks the operators only if it is installed and switched on; its classes are therefore imported then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import database_name

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from grdf.staging.area import StagedAnswer

ENDPOINT = "donnees_consos_informatives"
"""What is asked for days (ADICT 3)."""
WRITTEN = {
    DAY: ("new", "corrected", "confirmed", "completed", "doubted"),
    MONTH: ("months",),
    YEAR: ("years",),
}
"""The doctypes that a load writes, with its counts of the documents it has written."""


@dataclass(frozen=True)
class Asked:
    """What was asked of GRDF, in numbers.

    :param api_base: GRDF's address
    :param answers: how many answers came
    :param lines: how many lines they had, ``None`` if nobody has counted
    :param size: bytes of the answers
    :param first: the first gas day that was asked for, ``YYYY-MM-DD``; empty if nothing was
    :param end: the gas day after the last one
    """

    api_base: str
    answers: int = 0
    lines: int | None = None
    size: int = 0
    first: str = ""
    end: str = ""

    @classmethod
    def of(cls, api_base: str, answers: Iterable[StagedAnswer], lines: int | None = None) -> Asked:
        """Return what was asked, from the answers."""
        came = list(answers)
        return cls(
            api_base=api_base,
            answers=len(came),
            lines=lines,
            size=sum(len(each.body.encode()) for each in came),
            first=min((each.first for each in came), default=""),
            end=max((each.end for each in came), default=""),
        )


@dataclass(frozen=True)
class Stored:
    """What a load has stored.

    :param server: CouchDB's address, without a login
    :param prefix: what its databases' names begin with
    :param counts: the load's counts
    """

    server: str
    prefix: str
    counts: Mapping[str, int]


def lineage_of(asked: Asked | None, stored: Stored | None) -> OperatorLineage[Any, Any]:
    """Return the lineage of a task.

    :param asked: its input, if it has read something of GRDF
    :param stored: its output, if it has stored something
    """
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
    from openlineage.client.facet_v2 import input_statistics_input_dataset, output_statistics_output_dataset

    inputs: list[Dataset] = []
    outputs: list[Dataset] = []
    if asked is not None:
        parts = urlsplit(asked.api_base)
        read: dict[str, Any] = {
            "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=asked.lines, size=asked.size, fileCount=asked.answers
            )
        }
        source, path = f"{parts.scheme}://{parts.netloc}", f"{parts.path}/pce/*/{ENDPOINT}"
        inputs.append(InputDataset(namespace=source, name=path, inputFacets=read))
    if stored is not None:
        where = urlsplit(stored.server)
        for doctype, names in WRITTEN.items():
            rows = sum(stored.counts.get(name, 0) for name in names)
            wrote: dict[str, Any] = {
                "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
            }
            name = database_name(doctype, stored.prefix)
            at = f"couchdb://{where.netloc.rpartition('@')[2]}"
            outputs.append(OutputDataset(namespace=at, name=name, outputFacets=wrote))
    return OperatorLineage(inputs=inputs, outputs=outputs, run_facets=_window(asked) if asked and asked.first else {})


def _window(asked: Asked) -> dict[str, Any]:
    """Return which gas days the task was about, as a facet of this project's own."""
    from attrs import define
    from openlineage.client.facet_v2 import RunFacet

    @define
    class GasDaysRunFacet(RunFacet):
        """Gas days, 06:00 to 06:00 in Paris: the first one, and the one after the last."""

        first: str
        end: str

    return {"grdf_gas_days": GasDaysRunFacet(first=asked.first, end=asked.end)}
