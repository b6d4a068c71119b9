"""What is said if Airflow cannot even be loaded: nothing else can be looked at then.

Airflow reads the address of its database while it is imported. What it says of a wrong one may quote it, password and
all, so only what is known to be wrong is told. This module must not import Airflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb

from grdf.doctor.findings import Finding
from include.gas.redact import redact

WHAT = "Airflow"
OF_DATABASE = frozenset(
    ("configure_vars", "configure_orm", "configure_adapters", "configure_async_session", "has_database")
)
"""The functions in which Airflow, or we, take the address of its database apart."""
ADDRESS = "[database] sql_alchemy_conn"
CORRECT = f"Correct {ADDRESS} (AIRFLOW__DATABASE__SQL_ALCHEMY_CONN) for all parts of Airflow."


def not_loaded(error: BaseException) -> Iterator[Finding]:
    """Say why Airflow cannot be loaded here.

    :param error: raised while it was
    """
    frames = {frame.f_code.co_name.lstrip("_") for frame, _ in walk_tb(error.__traceback__)}
    says, do = _of_database(error) if frames & OF_DATABASE else _of_anything(error)
    yield Finding(WHAT, "bad", f"it cannot be loaded, so nothing else was looked at: {says}", do)


def _of_database(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ImportError) and error.name:
        return (
            f"the package {error.name}, which {ADDRESS} or sql_alchemy_conn_async needs, is missing",
            f"Install it for this Python, or name another driver. {CORRECT}",
        )
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "AirflowConfigException" in kinds and "relative path" in str(error):
        return (
            f"{ADDRESS} is a relative path",
            f"Write it with four slashes, as in sqlite:////tmp/airflow.db. {CORRECT}",
        )
    if "NoSuchModuleError" in kinds:
        return f"{ADDRESS} names a kind of database or a driver that is not installed", CORRECT
    if kinds & {"ValueError", "ArgumentError"}:
        return f"{ADDRESS} is no address of a database", CORRECT
    return (
        f"its database cannot be set up ({type(error).__name__})",
        f"Run airflow version here: it fails in the same way and says more. {CORRECT}",
    )


def _of_anything(error: BaseException) -> tuple[str, str]:
    return (
        redact(f"{type(error).__name__}: {error}")[:300].rstrip(". "),
        "Run this with Airflow's Python and settings. If airflow version fails in the same way, mend that first.",
    )
