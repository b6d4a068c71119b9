"""What is said if Airflow cannot even be loaded: nothing else can be looked at then. This must not import Airflow."""

from __future__ import annotations

from collections.abc import Iterator

from grdf.doctor.findings import Finding

WHAT = "Airflow"


def not_loaded(error: BaseException) -> Iterator[Finding]:
    """Say that Airflow cannot be loaded here, without the error's text, which may quote an address with its password.

    :param error: raised while it was
    """
    missing = isinstance(error, ImportError) and error.name
    says = f"the package {missing} is missing" if missing else type(error).__name__
    yield Finding(
        WHAT, "bad", f"it cannot be loaded, so nothing else was looked at: {says}",
        "Run airflow version here: it fails in the same way and says more. Often [database] sql_alchemy_conn "
        "(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN) is no address of a database, or needs a package that is not installed.",
    )  # fmt: skip
