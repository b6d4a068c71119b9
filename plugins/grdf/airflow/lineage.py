"""What ``load`` tells OpenLineage: where data came from, which days, and how many documents went where.

Nothing of a household is in it: no meter's number, no kWh, and the endpoint without the meter. Airflow's provider for
OpenLineage asks the operator only if it is installed and switched on; its classes are therefore imported then.
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
"""What is asked for days (ADICT 3)."""
WRITTEN = {DAY: ("new", "corrected", "confirmed"), MONTH: ("months",), YEAR: ("years",)}
"""The doctypes that a load writes, with its counts of the documents it has written."""


def lineage_of(
    api_base: str,
    answers: Collection[StagedAnswer],
    lines: int,
    *,
    server: str,
    prefix: str,
    counts: Mapping[str, int],
) -> OperatorLineage[Any, Any]:
    """Return the lineage of a load.

    :param api_base: GRDF's address
    :param answers: the answers that were stored, at least one
    :param lines: how many lines they had
    :param server: CouchDB's address, without a login
    :param prefix: what its databases' names begin with
    :param counts: the load's counts
    """
    from airflow.providers.openlineage.extractors import OperatorLineage
    from attrs import define
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import RunFacet, input_statistics_input_dataset, output_statistics_output_dataset

    @define
    class GasDaysRunFacet(RunFacet):
        """Gas days, 06:00 to 06:00 in Paris: the first one, and the one after the last."""

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
