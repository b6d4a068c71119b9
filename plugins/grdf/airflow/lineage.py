"""What ``load`` reports to OpenLineage: source, gas days, and documents written.

It has no meter number, no kWh, and the endpoint without the meter. Airflow's provider, if installed and on, asks the
operator, so its classes are imported then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import DAY, MONTH, YEAR

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from grdf.staging.staged_answers import StagedAnswer

ENDPOINT = "donnees_consos_informatives"
"""The endpoint of gas days (ADICT 3)."""
WRITTEN = {DAY: ("new", "corrected", "confirmed"), MONTH: ("months",), YEAR: ("years",)}
"""The doctypes of a load, with its counts of written documents."""


def lineage_of(
    api_base: str,
    answers: Collection[StagedAnswer],
    lines: int,
    *,
    server: str,
    prefix: str,
    counts: Mapping[str, int],
) -> OperatorLineage[Any, Any]:
    """Return the lineage of a load."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from attrs import define
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import RunFacet, input_statistics_input_dataset, output_statistics_output_dataset

    @define
    class GasDaysRunFacet(RunFacet):
        """Gas days, the end excluded."""

        first: str
        end: str

    source, couchdb = urlsplit(api_base), f"couchdb://{urlsplit(server).netloc.rpartition('@')[2]}"
    size = sum(len(answer.body.encode()) for answer in answers)
    read = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=lines, size=size, fileCount=len(answers)
    )
    outputs = []
    for doctype, names in WRITTEN.items():
        number = sum(counts[name] for name in names)
        written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=number)
        name = database_name(doctype, prefix)
        outputs.append(OutputDataset(couchdb, name, outputFacets={"outputStatistics": written}))
    asked = InputDataset(
        f"{source.scheme}://{source.netloc}", f"{source.path}/pce/*/{ENDPOINT}", inputFacets={"inputStatistics": read}
    )
    days = GasDaysRunFacet(
        first=str(min(each.window.first for each in answers)), end=str(max(each.window.end for each in answers))
    )
    return OperatorLineage(inputs=[asked], outputs=outputs, run_facets={"grdf_gas_days": days})
