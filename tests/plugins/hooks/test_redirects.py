"""No redirect is followed with credentials, tokens, keys or households' data, as nobody has checked the new address."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.airflow_api import AirflowApiHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.hooks.revocation import RevocationHook
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.proof.proof_file import ProofFile
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
Grdf = Callable[..., str]
MOVED = (302, 308)


def detour(serve: Serve, status: int, answer: Reply | None = None) -> tuple[Server, Server]:
    """Return a server that redirects all requests to another one, and that other one, which would answer."""
    trap = serve(lambda _: answer or Reply({}))
    return serve(lambda heard: Reply(status=status, headers={"Location": trap.url + heard.path})), trap


@pytest.mark.parametrize("status", MOVED)
def test_the_public_keys_are_not_fetched_from_another_address(
    clean: LocalWorld, serve: Serve, grdf: Grdf, status: int
) -> None:
    """An attacker who chooses the keys could sign an ``id_token`` for any meter."""
    server, trap = detour(serve, status, Reply({"keys": []}))
    extra = {"id_token_algorithms": ["RS256"], "jwks_url": f"{server.url}/keys"}
    with pytest.raises(BadSettings, match=rf"home-1.*HTTP {status}.*jwks_url"):
        GrdfOAuthHook(grdf(extra=extra)).claims_of("a.b.c", account="home-1")
    assert (len(server.heard), trap.heard) == (1, [])


@pytest.mark.parametrize("status", MOVED)
def test_the_password_of_airflow_s_user_goes_to_no_other_address(
    connection: Callable[..., str], serve: Serve, status: int
) -> None:
    server, trap = detour(serve, status, Reply({"access_token": "t"}))
    conn = connection("airflow_api", host=server.url, login="admin", password="hush-hush")
    with pytest.raises(BadSettings, match=rf"HTTP {status}.*airflow_api") as caught:
        AirflowApiHook(conn).delete("/dags/grdf_account__home-1")
    assert "hush-hush" not in str(caught.value)
    assert (len(server.heard), trap.heard) == (1, [])


def test_the_token_of_airflow_s_user_goes_to_no_other_address(connection: Callable[..., str], serve: Serve) -> None:
    trap = serve(lambda _: Reply({}))

    def answer(heard: Heard) -> Reply:
        if heard.path == "/auth/token":
            return Reply({"access_token": "t"}, 201)
        return Reply(status=307, headers={"Location": trap.url + heard.path})

    server = serve(answer)
    with pytest.raises(BadSettings, match=r"HTTP 307.*airflow_api"):
        AirflowApiHook(connection("airflow_api", host=server.url, login="a", password="b")).delete("/dags/x")
    assert (len(server.heard), trap.heard) == (2, [])


@pytest.mark.parametrize("odd", ["<html>Sign in</html>", "[]", "null"])
@pytest.mark.parametrize("at", ["/auth/token", "/api/v2/dags"])
def test_what_is_no_airflow_is_told_so(connection: Callable[..., str], serve: Serve, at: str, odd: str) -> None:
    """A proxy may send its own page, with HTTP 200."""
    server = serve(lambda heard: Reply(odd if heard.path == at else {"access_token": "t"}))
    hook = AirflowApiHook(connection("airflow_api", host=server.url, login="a", password="hush-hush"))
    with pytest.raises(ServiceUnavailable, match=r"airflow_api\) does not answer like Airflow's API"):
        hook.get("/dags")


@pytest.mark.parametrize("status", MOVED)
def test_documents_go_to_no_other_couchdb(connection: Callable[..., str], serve: Serve, status: int) -> None:
    server, trap = detour(serve, status, Reply({"ok": True, "rows": []}))
    connection("couchdb", host=server.url, login="a", password="b")
    for use in (
        lambda: CouchDBHook().put(ACCOUNT, {"_id": "home-1"}),
        lambda: CouchDBHook().write(ACCOUNT, [{"_id": "home-1"}]),
        lambda: CouchDBHook().range(ACCOUNT, "", "z"),
        lambda: CouchDBHook().create_database(ACCOUNT),
    ):
        with pytest.raises(BadSettings, match=rf"answered {status}.*another address.*couchdb"):
            use()
    assert trap.heard == []


@pytest.mark.parametrize("status", MOVED)
def test_a_revocation_that_is_sent_elsewhere_is_no_revocation(
    clean: LocalWorld, serve: Serve, connection: Callable[..., str], status: int
) -> None:
    server, trap = detour(serve, status)
    facts = clean.facts
    connection(
        "grdfgrandlyon_delete",
        host=server.url, login=facts["delete_client_id"], password=facts["delete_client_secret"],
        extra={"token_url": facts["token_url"], "authorize_url": facts["authorize_url"], "scope": "/adict/v2"},
    )  # fmt: skip
    with pytest.raises(BadSettings, match=f"HTTP {status}"):
        RevocationHook().revoke(secrets.token_hex(8), account="home-1")
    assert (len(server.heard), trap.heard) == (1, [])


@pytest.mark.parametrize("status", MOVED)
def test_the_data_token_goes_to_no_other_api(clean: LocalWorld, serve: Serve, grdf: Grdf, status: int) -> None:
    server, trap = detour(serve, status)
    hook = AdictHook(grdf(host=server.url, extra={"scope": "/adict/v2"}), shelf=MemoryShelf())
    with pytest.raises(BadSettings, match=f"HTTP {status}"):
        hook.listed_rights(["1"], account="home-1")
    assert (len(server.heard), trap.heard) == (1, [])


@pytest.mark.parametrize("status", MOVED)
def test_the_proof_of_a_consent_goes_to_no_other_address(
    clean: LocalWorld, serve: Serve, grdf: Grdf, status: int
) -> None:
    """It has a household's name, address and telephone number."""
    server, trap = detour(serve, status, Reply({"code_statut_traitement": "0000000000"}))
    hook = AdictHook(grdf(host=f"{server.url}/adict/v2"), shelf=MemoryShelf())
    file = ProofFile(b"%PDF M. Durand-Invente", "application/pdf")
    with pytest.raises(BadSettings, match=rf"Account home-1: .*HTTP {status}") as caught:
        hook.send_proof("u-1/../x", [file, file], account="home-1")
    assert "Durand" not in str(caught.value)
    assert trap.heard == []
    (heard,) = server.heard
    assert (heard.method, heard.path) == ("PUT", "/adict/v2/droit_acces/u-1%2F..%2Fx/preuves")
    assert heard.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert heard.body.count(b'name="preuves"; filename="preuve-') == 2
