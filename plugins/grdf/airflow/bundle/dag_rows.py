"""The DAGs of one bundle in Airflow's database, and requests to read a DAG file at once.

Only the DAG processor may use this: it is the one component of ours that works on Airflow's own tables. It asks what
``PUT /api/v2/parseDagFile`` would ask, which needs a login that a DAG processor does not have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from include.gas.documents.gas_days import DAG_PREFIX, account_of

FILE_PREFIX = "grdf_accounts_"
"""What the names of our files with accounts' DAGs begin with, in each version."""
AT_ONCE = 500
"""Ids in one query."""


class DagRows:
    """The rows of one bundle.

    :param bundle: the bundle's name
    """

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle

    def accounts(self) -> dict[str, str]:
        """Return the accounts' DAGs that Airflow shows: the account by the DAG's id.

        Somebody else's DAG may have an id that begins in the same way.
        """
        shown = self._shown(
            DagModel.dag_id.startswith(DAG_PREFIX, autoescape=True)
            & DagModel.relative_fileloc.contains(FILE_PREFIX, autoescape=True)
        )
        return {dag_id: account for dag_id in shown if (account := account_of(dag_id)) is not None}

    def shown(self, dag_ids: Collection[str]) -> set[str]:
        """Return those of some DAGs that Airflow shows, by their ids."""
        return {found for batch in _batches(dag_ids) for found in self._shown(DagModel.dag_id.in_(batch))}

    def failed(self) -> set[str]:
        """Return the files with an import error, by their paths in the bundle. Their DAGs do not run."""
        query = select(ParseImportError.filename).where(ParseImportError.bundle_name == self.bundle)
        with create_session() as session:
            return set(map(str, session.scalars(query)))

    def lost(self) -> dict[str, str]:
        """Return the other DAGs that Airflow shows no longer: each with its file's path in the bundle."""
        query = select(DagModel.dag_id, DagModel.relative_fileloc).where(
            DagModel.is_stale,
            DagModel.bundle_name == self.bundle,
            DagModel.relative_fileloc.is_not(None),
            ~DagModel.dag_id.startswith(DAG_PREFIX, autoescape=True),
        )
        with create_session() as session:
            return {str(dag_id): str(file) for dag_id, file in session.execute(query)}

    def retire(self, dag_ids: Collection[str]) -> None:
        """Have Airflow show DAGs no longer, as it does itself with those that are no longer in their files.

        They keep their runs, and come back when they are found in a file again.
        """
        with create_session() as session:
            for batch in _batches(dag_ids):
                which = DagModel.dag_id.in_(batch), DagModel.bundle_name == self.bundle
                session.execute(update(DagModel).where(*which).values(is_stale=True))

    def request(self, files: Iterable[str]) -> None:
        """Ask the DAG processor to read files as soon as it can.

        :param files: their paths in the bundle
        """
        for file in files:
            asked = DagPriorityParsingRequest(bundle_name=self.bundle, relative_fileloc=file)
            try:
                with create_session() as session:
                    session.add(asked)
            except IntegrityError:  # somebody has asked already
                continue

    def _shown(self, which: ColumnElement[bool]) -> set[str]:
        query = select(DagModel.dag_id).where(~DagModel.is_stale, DagModel.bundle_name == self.bundle, which)
        with create_session() as session:
            return set(map(str, session.scalars(query)))


def _batches(dag_ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(dag_ids)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
