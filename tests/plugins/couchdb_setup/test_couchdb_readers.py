"""Whom ``./grdf couchdb setup`` lets in beside our own user, and what such a reader then reaches."""

from __future__ import annotations

from urllib.parse import quote

import requests

from grdf.doctor.couch import databases
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import ACCOUNT, DAY, DOCTYPES, FOR_READERS
from include.gas.documents.gas_days import database_name
from tests.plugins.couchdb_setup.server import Run, Server


def test_who_else_could_read_is_shut_out_and_named(server: Server, run: Run) -> None:
    server.connect()
    run()
    open_to_all = {"admins": {"names": [], "roles": []}, "members": {"names": [], "roles": []}}
    others = {
        "admins": {"names": [], "roles": ["_admin"]},
        "members": {"names": [server.member, "bi"], "roles": ["city"]},
    }
    server.http.put(server.path(DAY) + "/_security", json=others, timeout=30)
    server.http.put(server.path(ACCOUNT) + "/_security", json=open_to_all, timeout=30)
    code, said, _ = run()
    assert code == 0
    assert f"grdf-day: exists, now open to {server.member}" in said
    assert f"io-cozy-accounts: exists, now open to {server.member}" in said
    assert server.security(DAY)["members"] == {"names": [server.member], "roles": ["_admin"]}
    code, said, _ = run("bi")
    assert "grdf-day: exists, now open to bi" in said
    assert server.security(ACCOUNT)["members"]["names"] == [server.member]
    assert "open to" not in run("bi")[1]


def test_a_reader_comes_in_where_the_gas_data_are_and_nowhere_else(server: Server, run: Run) -> None:
    server.connect()
    reader = server.member + "-reader"
    assert f"user {reader}: CouchDB does not know it" in run(reader)[1], "it is let in, not created"
    user = f"{server.url}/_users/" + quote(f"org.couchdb.user:{reader}", safe="")
    document = {"name": reader, "password": "x", "roles": [], "type": "user"}
    server.http.put(user, json=document, timeout=30)
    assert f"user {reader}" not in run(reader)[1]
    http = requests.Session()
    http.auth, http.trust_env = (reader, "x"), False
    for doctype in DOCTYPES:
        read = http.get(server.path(doctype) + "/_all_docs", timeout=30).status_code
        written = http.put(server.path(doctype) + "/forged", json={"x": 1}, timeout=30).status_code
        assert (read, written) == ((200, 201) if doctype in FOR_READERS else (403, 403)), doctype
    server.http.delete(user, params={"rev": server.user(reader)["_rev"]}, timeout=30)


def test_a_reader_that_was_let_in_everywhere_is_taken_out(server: Server, run: Run) -> None:
    server.connect()
    run()
    rules = {"admins": {"names": [], "roles": ["_admin"]}}
    rules["members"] = {"names": sorted(["bi", server.member]), "roles": ["_admin"]}
    rules["members"]["roles"].append("city")
    for doctype in DOCTYPES:
        server.http.put(server.path(doctype) + "/_security", json=rules, timeout=30)
    (found,) = [each for each in databases(CouchDBHook()) if each.state == "bad"]
    assert "bi, the role city may read tokens, names and addresses" in found.says
    assert "couchdb_readers" in found.do
    said = run("bi")[1]
    assert [each.state for each in databases(CouchDBHook())] == ["ok"]
    for doctype in DOCTYPES:
        gone = f"{database_name(doctype, server.prefix)}: exists, now open to {server.member}" in said
        assert gone == (doctype not in FOR_READERS), doctype
        assert ("bi" in server.security(doctype)["members"]["names"]) == (doctype in FOR_READERS)
