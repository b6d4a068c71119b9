"""If the PostgreSQL in ``[grdf] quota_url`` refuses a login, a person must act; if it is down, not."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator

import psycopg
import pytest

from grdf.quota.allowance import Quota
from grdf.quota.governor import Governor
from grdf.quota.quota_store import store_at
from include.gas.errors import BadSettings, StoreBusy
from include.sandbox.processes import Processes
from tests.plugins.clockwork import call
from tests.postgres import Postgres, available, postgres

GRDF = Quota(1000.0, 6000, 3000)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL for these tests. The last one makes it refuse all logins. Skipped unless it is installed."""
    if not available():
        pytest.skip("PostgreSQL is not installed")
    with Processes() as processes, postgres(processes) as running:
        yield running


@pytest.mark.parametrize(
    ("login", "database", "words"),
    [
        ("airflow:hush-hush", "postgres", r"\(the user or its password\)\. Check .* the user, its password"),
        ("nobody-here:hush-hush", "postgres", r"\(the user or its password\)"),
        ("airflow", "postgres", r"\(the user or its password\)"),
        (None, "no-such-database", r"\(the database\)"),
        (None, "postgres?sslmode=require", r"\(encryption\)"),
    ],
)
@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg"])
def test_a_login_that_postgresql_refuses_needs_a_person(
    server: Postgres, kind: str, login: str | None, database: str, words: str
) -> None:
    usual, host = server.url.removeprefix("postgresql://").rsplit("/", 1)[0].split("@")
    with pytest.raises(BadSettings, match=f"PostgreSQL refuses the settings in .grdf. quota_url {words}") as caught:
        call(Governor(store_at(f"{kind}://{login or usual}@{host}/{database}"), "id", GRDF))
    told = "".join(traceback.format_exception(caught.value))
    assert "hush-hush" not in told
    assert usual.partition(":")[2] not in told


@pytest.mark.parametrize(
    "word", ["hush/x", "x/hush", "[hush]", "x[hush", "hush\u2100", "x#hush", "x?hush", "x@hush", "%ZZhush"]
)
@pytest.mark.parametrize(
    "form",
    [
        *("redis://:{}@127.0.0.1:9/0", "rediss://u:{}@127.0.0.1:9/0", "postgresql://u:{}@127.0.0.1:9/x"),
        *("postgresql+psycopg://u:{}@127.0.0.1:9/x", "redis:{}@127.0.0.1:9/0", "{}:x@127.0.0.1:9", "mysql://u:{}@h/x"),
    ],
)
def test_a_password_with_odd_signs_is_not_told(form: str, word: str) -> None:
    """What splits an address quotes the part that it takes for a port or a host."""
    with pytest.raises((BadSettings, StoreBusy), match=r"\[grdf\] quota_url") as caught:
        call(Governor(store_at(form.format(word)), "id", GRDF))
    assert "damaged" not in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("state", "said", "kind"),
    [
        ("28P01", "Passwort-Authentifizierung fehlgeschlagen", BadSettings),
        ("3D000", "", BadSettings),
        ("57P03", "the database system is starting up", StoreBusy),
        (None, "FATAL:  sorry, too many clients already", StoreBusy),
        (None, "FATAL:  authentification par mot de passe échouée", StoreBusy),
    ],
)
def test_what_else_a_database_may_say(
    monkeypatch: pytest.MonkeyPatch, state: str | None, said: str, kind: type[Exception]
) -> None:
    class Failure(psycopg.OperationalError):
        sqlstate = state

    def refuse(*_: object, **__: object) -> None:
        raise Failure(said)

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(kind, match="password"):
        call(Governor(store_at("postgresql://grdf:hush-hush@127.0.0.1:9/airflow"), "id", GRDF))


def test_a_server_that_lets_nobody_in_from_here_needs_a_person(server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as database:
        (server.folder / "data" / "pg_hba.conf").write_text("local all all trust\n", encoding="ascii")
        database.execute("SELECT pg_reload_conf()")
    limit = time.monotonic() + 30
    while _lets_in(server):  # it reads the file after a moment
        assert time.monotonic() < limit
        time.sleep(0.05)
    with pytest.raises(BadSettings, match=r"a login from this machine, by its pg_hba\.conf"):
        call(Governor(store_at(server.url), "id", GRDF))


def _lets_in(server: Postgres) -> bool:
    try:
        psycopg.connect(server.url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
