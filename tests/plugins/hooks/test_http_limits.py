"""Every call ends: answers that drip, flood or nest without end, over real sockets. And none follows a redirect."""

from __future__ import annotations

import gzip
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import requests

from grdf.hooks.adict import AdictHook
from grdf.hooks.airflow_api import AirflowApiHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.http_calls import LimitedAdapter, TooLarge, TooLate, no_answer_error
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.hooks.revocation import RevocationHook
from include.gas.days.windows import Window
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadSettings, RetryLater, ServiceUnavailable
from include.gas.proof.proof_file import ProofFile
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.plugins.conftest import Heard, Reply, Serve, Server
from tests.plugins.drip import Drip, certificate_for

OK = b"HTTP/1.1 200 OK\r\n"
HEAD = OK + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
WEEK = Window(date(2026, 1, 1), date(2026, 1, 8))


def session(most: int = 1_000_000, seconds: float = 30) -> requests.Session:
    made = LimitedAdapter(seconds=seconds, most=most).session()
    made.trust_env = False
    return made


@pytest.mark.parametrize(
    ("first", "then"),
    [(HEAD, b"a"), (OK + b"\r\n", b"a"), (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")],
    ids=["length", "until closed", "chunks"],
)
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_drips_ends_in_time(tmp_path: Path, first: bytes, then: bytes, tls: bool) -> None:
    certificate = certificate_for(tmp_path) if tls else None
    with Drip(first, then, every=0.02, certificate=certificate) as server, session(seconds=0.3) as asking:
        asking.verify = str(certificate) if certificate else True
        with pytest.raises(TooLate, match=r"did not arrive in full within 0.3 s") as caught:
            asking.get(server.url, timeout=(5, 5))
        assert "answer (its answer did not arrive in full within 0.3 s)" in str(no_answer_error("GRDF", caught.value))
        assert server.gone.wait(5), "the connection is closed"


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("gzip, gzip", lambda it: gzip.compress(gzip.compress(it)))],
    ids=["gzip", "deflate", "twice"],
)
def test_what_unpacks_to_more_than_is_read_is_refused(
    serve: Serve, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    server = serve(lambda _: Reply(pack(bytes(3_000_000)), headers={"Content-Encoding": encoding}))
    with session(2_000_000) as asking, pytest.raises(TooLarge, match="larger than 2 MB"):
        asking.get(server.url, timeout=30)
    with session(3_000_000) as asking:
        assert asking.get(server.url, timeout=30).content == bytes(3_000_000)


def test_what_is_too_large_is_not_read_to_its_end() -> None:
    with (
        Drip(OK + b"\r\n" + bytes(2_000_000), b"a", every=0.02) as endless,
        session() as asking,
        pytest.raises(TooLarge),
    ):
        asking.get(endless.url, timeout=30)


Call = Callable[[str, str], object]


@pytest.fixture
def call(clean: LocalWorld, grdf: Callable[..., str], connection: Callable[..., str]) -> Call:
    def make(kind: str, url: str) -> object:
        if kind == "token":
            return GrdfOAuthHook(grdf(extra={"token_url": f"{url}/token"})).request_data_token()
        if kind == "keys":
            extra = {"id_token_algorithms": ["RS256"], "jwks_url": f"{url}/keys"}
            return GrdfOAuthHook(grdf(extra=extra)).verify_claims("a.b.c", account="home-1")
        if kind == "revocation":
            facts = clean.facts
            connection(
                "grdfgrandlyon_delete",
                host=url, login=facts["delete_client_id"], password=facts["delete_client_secret"],
                extra={name: facts[name] for name in ("token_url", "authorize_url")} | {"scope": "/adict/v2"},
            )  # fmt: skip
            return RevocationHook().revoke(secrets.token_hex(8), account="home-1")
        hook = AdictHook(grdf(host=url, extra={"scope": "/adict/v2"}), token_store=MemoryShelf())
        if kind == "rights":
            return hook.query_rights(["1"], account="home-1")
        if kind == "proof":
            file = ProofFile(b"%PDF M. Durand-Invente", "application/pdf")
            return hook.send_proof("u-1/../x", [file, file], account="home-1")
        return hook.daily_lines("09999999900001", WEEK, account="home-1")

    return make


KINDS = ("data", "token", "keys", "revocation")


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_drips_ends_in_time_and_is_tried_again_later(
    call: Call, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for module in ("grdf.hooks.oauth", "grdf.hooks.http_calls"):
        monkeypatch.setattr(f"{module}.SECONDS", 0.5)
    with Drip(HEAD, b" ", every=0.05) as server:
        with pytest.raises(RetryLater, match=r"its answer did not arrive in full within 0\.5 s\)\..*again") as caught:
            call(kind, server.url)
        assert server.requests == 1
    assert caught.value.account == (None if kind == "token" else "home-1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_whose_answer_is_far_larger_than_it_looks_or_nests_without_end(
    call: Call, serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("grdf.hooks.http_calls.LARGEST", 2_000_000)
    monkeypatch.setattr("grdf.hooks.adict.LARGEST_OF_METER", 2_000_000)
    bomb = serve(lambda _: Reply(gzip.compress(b" " * 3_000_000), headers={"Content-Encoding": "gzip"}))
    most = "1 MB" if kind in ("token", "keys") else "2 MB"
    with pytest.raises(ServiceUnavailable, match=rf"its answer is larger than {most}\)"):
        call(kind, bomb.url)
    assert len(bomb.heard) == 1
    deep = serve(lambda _: Reply('{"liste_x":[' * 5_000))
    with suppress(ServiceUnavailable):  # the result does not matter here; the call must only return
        call(kind, deep.url)
    assert len(deep.heard) == 1


def test_a_couchdb_that_drips_or_floods_ends_too(
    connection: Callable[..., str], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.hooks.couch_server.LARGEST", 1_000_000)
    flood = serve(lambda _: Reply(" " * 1_000_001))
    with Drip(HEAD, b" ", every=0.05) as drip:
        for url, said in ((flood.url, "is larger than 1 MB"), (drip.url, "did not arrive in full within 1 s")):
            connection("couchdb", host=url, login="a", password="b")
            with pytest.raises(ServiceUnavailable, match=rf"\(its answer {said}\)\..*connection couchdb"):
                CouchDBHook(timeout=(1, 0.5)).get(ACCOUNT, "home-1")


@pytest.fixture
def detour(serve: Serve) -> Callable[..., tuple[Server, Server]]:
    def make(but: str = "") -> tuple[Server, Server]:
        trap = serve(lambda _: Reply({"keys": [], "access_token": "t", "ok": True, "code_statut_traitement": "0" * 10}))

        def redirect(heard: Heard) -> Reply:
            if heard.path == but:
                return Reply({"access_token": "t"}, 201)
            return Reply(status=307, headers={"Location": trap.url + heard.path})

        return serve(redirect), trap

    return make


@pytest.mark.parametrize(
    ("kind", "setting"),
    [("data", "host"), ("rights", "host"), ("proof", "host"), ("token", "token_url"), ("keys", "jwks_url"),
     ("revocation", "host")],
)  # fmt: skip
def test_nothing_for_grdf_goes_to_another_address(
    call: Call, detour: Callable[..., tuple[Server, Server]], kind: str, setting: str
) -> None:
    """With other keys anybody could sign an ``id_token`` for any meter; a proof has a household's name and address."""
    server, trap = detour()
    with pytest.raises(BadSettings, match=rf"HTTP 307.*{setting}") as caught:
        call(kind, server.url)
    assert "Durand" not in str(caught.value)
    assert trap.heard == []
    (heard,) = server.heard
    if kind == "proof":
        assert (heard.method, heard.path) == ("PUT", "/droit_acces/u-1%2F..%2Fx/preuves")
        assert heard.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert heard.body.count(b'name="preuves"; filename="preuve-') == 2
    if kind == "token":
        assert "client_secret" in heard.form
        assert "Authorization" not in heard.headers


@pytest.mark.parametrize("but", ["", "/auth/token"])
def test_neither_password_nor_token_of_airflow_s_user_go_to_another_address(
    connection: Callable[..., str], detour: Callable[..., tuple[Server, Server]], but: str
) -> None:
    server, trap = detour(but)
    hook = AirflowApiHook(connection("airflow_api", host=server.url, login="admin", password="hush-hush"))
    with pytest.raises(BadSettings, match=r"HTTP 307.*airflow_api") as caught:
        hook.delete("/dags/grdf_account__home-1")
    assert "hush-hush" not in str(caught.value)
    assert (len(server.heard), trap.heard) == (1 + bool(but), [])


@pytest.mark.parametrize("at", ["/auth/token", "/api/v2/dags"])
def test_what_is_no_airflow_is_named(connection: Callable[..., str], serve: Serve, at: str) -> None:
    """A proxy may send its own page, with HTTP 200."""
    server = serve(lambda heard: Reply("<html>Sign in</html>" if heard.path == at else {"access_token": "t"}))
    hook = AirflowApiHook(connection("airflow_api", host=server.url, login="a", password="hush-hush"))
    with pytest.raises(ServiceUnavailable, match=r"airflow_api\) does not answer like Airflow's API"):
        hook.get("/dags")


def test_airflow_is_asked_again_while_its_database_is_locked(connection: Callable[..., str], serve: Serve) -> None:
    def locked_at_first(heard: Heard) -> Reply:
        if len(server.heard) % 2:
            return Reply("Internal Server Error", 500)
        return Reply({"access_token": "t"}, 201) if heard.path == "/auth/token" else Reply(status=204)

    server = serve(locked_at_first)
    AirflowApiHook(connection("airflow_api", host=server.url, login="a", password="b")).delete("/dags/grdf_account__a")
    assert [heard.method for heard in server.heard] == ["POST", "POST", "DELETE", "DELETE"]


def test_documents_go_to_no_other_couchdb(
    connection: Callable[..., str], detour: Callable[..., tuple[Server, Server]]
) -> None:
    server, trap = detour()
    connection("couchdb", host=server.url, login="a", password="b")
    for use in (
        lambda: CouchDBHook().put(ACCOUNT, {"_id": "home-1"}),
        lambda: CouchDBHook().write(ACCOUNT, [{"_id": "home-1"}]),
        lambda: CouchDBHook().range(ACCOUNT, "", "z"),
        lambda: CouchDBHook().create_database(ACCOUNT),
    ):
        with pytest.raises(BadSettings, match=r"answered 307.*another address.*couchdb"):
            use()
    assert trap.heard == []
