"""What there is of this project outside its own files, for those who remove it (docs/install.md). Read-only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import quote

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf import settings
from grdf.airflow.bundle.packaged_bundle import dag_folder
from grdf.airflow.command_line import has_database
from grdf.couchdb_setup import path_of_user
from grdf.doctor.airflow_checks import list_names
from grdf.doctor.couchdb_checks import hook_of_doctor
from grdf.doctor.findings import Finding, findings_of
from grdf.hooks.couchdb import ADMIN_CONN_ID
from grdf.hooks.oauth import VARIABLE
from grdf.operators.exports.export_lake import SECRET
from grdf.options import SECTION
from grdf.quota.quota_store import QuotaStore
from grdf.staging.folder import local_path
from grdf.stores import free_days
from include.gas.documents.day_documents import DAG_PREFIX, database_name
from include.gas.documents.doctypes import DOCTYPES


def find_leftovers() -> Iterator[Finding]:
    """Yield what is in CouchDB, in Airflow's database, on disks, and among the settings of this process."""
    for what, look in {"CouchDB": _in_couchdb, "Airflow": _in_airflow, "files": _files, "settings": _settings}.items():
        yield from findings_of(what, look)


def _in_couchdb() -> Iterator[Finding]:
    hook = hook_of_doctor()
    try:
        BaseHook.get_connection(hook.couchdb_conn_id)
    except AirflowNotFoundException:
        yield Finding("unknown", f"it is not looked at without the connection {hook.couchdb_conn_id}")
        return
    prefix = hook.facts.prefix  # a slash in it is quoted, as in the database's address
    there = (quote(database_name(doctype, prefix), safe="") for doctype in DOCTYPES if hook.has_database(doctype))
    yield from _left("databases", there)
    admin, user = hook.administrator(), hook.facts.login
    yield from _left("user", [user] if admin is not hook and admin.request_server("GET", path_of_user(user)).ok else [])


def _in_airflow() -> Iterator[Finding]:
    if not has_database():
        yield Finding("unknown", "it has no database here", "Run this in the API server.")
        return
    files = {file.stem for file in dag_folder().glob("grdf_*.py")}
    dags = (each for each in list_names("dag_id", "dag") if each in files or each.startswith(DAG_PREFIX))
    yield from _left("DAGs", dags)
    yield from _left("connections", filter(_is_connection, list_names("conn_id", "connection")))
    ours = (each for each in list_names("key", "variable") if each.startswith((VARIABLE, SECRET, free_days.SECRET)))
    yield from _left("Variables", ours)
    pool = {settings.pool()} - {"default_pool"}
    yield from _left("pool", (each for each in list_names("pool", "slot_pool") if each in pool))


def _files() -> Iterator[Finding]:
    from airflow.sdk import conf

    bundles = conf.get("dag_processor", "dag_bundle_storage_path", fallback="") or f"{gettempdir()}/airflow/dag_bundles"
    stores, quota = [settings.staging_url(), *filter(None, [settings.lake_url()])], QuotaStore(settings.quota_url())
    home, others = settings.state_folder(), (*map(local_path, stores), quota.file, Path(bundles, "grdf-accounts"))
    places = [home, *(each for each in others if each and home not in each.parents)]
    yield from _left("on this disk", (str(each) for each in places if each.exists()))
    elsewhere = [each for each in stores if local_path(each) is None]
    yield from _left("elsewhere", elsewhere if quota.file else [*elsewhere, "the table grdf_quota of [grdf] quota_url"])


def _settings() -> Iterator[Finding]:
    from airflow.sdk import conf

    yield from _left(f"of [{SECTION}]", (name for name, value in (conf.getsection(SECTION) or {}).items() if value))
    bundles = conf.get("dag_processor", "dag_bundle_config_list", fallback="")
    yield from _left("of Airflow", ["[dag_processor] dag_bundle_config_list"] if '"grdf.airflow.' in bundles else [])
    variables = sorted(each for each in os.environ if each.startswith("AIRFLOW_CONN_"))
    yield from _left("in the environment", (each for each in variables if _is_connection(each[13:].lower())))


def _is_connection(name: str) -> bool:
    clients = {*settings.connections.or_default(), "grdfgrandlyon"}
    return name.removesuffix("_delete") in clients | {"couchdb", ADMIN_CONN_ID, settings.airflow_conn_id()}


def _left(kind: str, names: Iterable[str]) -> Iterator[Finding]:
    """Yield one finding with names, if there are any."""
    if found := ", ".join(names):
        yield Finding("look", f"{kind}: {found}")
