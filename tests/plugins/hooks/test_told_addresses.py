"""A login that somebody wrote into a connection's address is told by no message, whatever its password is made of."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from grdf.hooks.airflow_api import AirflowApiHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadSettings

WORDS = ("hush-hush", "x/hush-hush", "x@hush-hush", "[hush-hush]")
USES: dict[str, Callable[[str], object]] = {
    "Airflow's API": lambda conn: AirflowApiHook(conn).get("/dags"),
    "CouchDB": lambda conn: CouchDBHook(conn, patience=0).logs_in(),
    "GRDF": lambda conn: GrdfOAuthHook(conn).facts,
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("host", ["http://reader:{}@127.0.0.1:9", "reader:{}@127.0.0.1", "https://:{}@h.example/x"])
@pytest.mark.parametrize("what", USES)
def test_it_is_refused_and_not_told(connection: Callable[..., str], what: str, host: str, word: str) -> None:
    conn = connection("being_told", host=host.format(word), login="reader", password="another-word")
    with pytest.raises(BadSettings, match=r"\bhost (holds|is|of) .*AIRFLOW_CONN_BEING_TOLD") as caught:
        USES[what](conn)
    assert "connection being_told " in str(caught.value)
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("place", ["token_url", "authorize_url", "jwks_url"])
@pytest.mark.parametrize("word", WORDS)
def test_nor_one_of_the_extra(connection: Callable[..., str], place: str, word: str) -> None:
    extra = {place: f"https://reader:{word}@h.example/x"}
    conn = connection("being_told", login="id", password="another-word", extra=extra)
    with pytest.raises(BadSettings, match=rf"being_told.*{place} (holds|is) ") as caught:
        assert GrdfOAuthHook(conn).facts
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


def test_the_alert_says_which_connection_it_is(connection: Callable[..., str]) -> None:
    """``grdf_health`` puts the cause into its log and its alert."""
    conn = connection("being_told", host="https://reader:hush-hush@h.example", login="reader", password="another-word")
    with pytest.raises(BadSettings) as caught:
        AirflowApiHook(conn).get("/dags")
    assert caught.value.cause == (
        "the Airflow connection being_told is incomplete: host holds a login before its @, which belongs in the login "
        "and the password of the connection"
    )


def test_a_connection_without_a_host_is_named(connection: Callable[..., str]) -> None:
    with pytest.raises(BadSettings, match=r"connection being_told is incomplete: host is not an http"):
        AirflowApiHook(connection("being_told", login="reader", password="another-word")).get("/dags")
