"""Nothing that a client sends crashes or hangs the embedded CouchDB, or damages a database for others."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import requests

from include.sandbox.couch import EmbeddedCouch


def session(couch: EmbeddedCouch) -> requests.Session:
    opened = requests.Session()
    opened.trust_env, opened.auth = False, (couch.user, couch.password)
    return opened


@pytest.fixture(scope="module")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCouch]:
    with EmbeddedCouch(tmp_path_factory.mktemp("abused")) as couch, session(couch) as http:
        http.put(couch.url + "/db", timeout=10)
        http.post(couch.url + "/db/_bulk_docs", json={"docs": [{"_id": f"k{n}", "a": n} for n in range(5)]}, timeout=10)
        yield couch


BODIES = """[]
5
null
"x"
{
{}
{"docs":5}
{"docs":[5]}
{"docs":[null]}
{"docs":[{"_id":5}]}
{"docs":[{"_id":null}]}
{"docs":[{"_id":""}]}
{"docs":[{"_id":"_x"}]}
{"docs":[{"_id":"x","_rev":5}]}
{"docs":[{"_id":"x","_rev":null}]}
{"docs":[{"_id":"x","_rev":{"a":1}}]}
{"docs":[{"_id":"k","_attachments":5}]}
{"docs":[{"_id":"k","_deleted":"yes"}]}
{"docs":[{"_id":"k","_attachments":{"a":{"data":"!!"}}}]}
{"docs":[{"_id":"k","_revisions":5}],"new_edits":false}
{"docs":[{"_id":"k2","_rev":"1-a","_revisions":{"start":1,"ids":5}}],"new_edits":false}
{"docs":[{"_id":"k3","_revisions":{"start":1,"ids":5}}]}
{"docs":[{"_id":"_local/x"}]}
{"docs":[{"_id":"_design/x"}]}
{"docs":[{"id":5}]}
{"keys":5}
{"keys":[5,null,{}]}
{"keys":["k1"],"latest":true,"rev":"2-0"}
{"selector":5}
{"selector":{"a":{"$regex":"("}}}
{"selector":{"a":1},"sort":5}
{"selector":{"a":1},"sort":["zz"]}
{"selector":{"a":1},"fields":5}
{"selector":{"a":1},"fields":[5]}
{"selector":{"a":1},"limit":"x"}
{"selector":{"a":1},"skip":-1}
{"selector":{"a":1},"bookmark":{"x":1}}
{"selector":{"a":1},"use_index":"none"}
{"selector":{"$or":5}}
{"selector":{"a":{"$elemMatch":5}}}
{"selector":{"a":{"$mod":5}}}
{"selector":{"a":{"$in":5}}}
{"index":5}
{"index":{"fields":5}}
{"index":{"fields":[]}}
{"index":{"fields":[{"a":5}]}}
{"index":{"fields":["a"]},"ddoc":5,"name":{}}
{"doc_ids":5}
{"_rev":5}
{"_deleted":5}
{"_attachments":5}
{"_id":5}
{"__proto__":{"a":1}}
{"constructor":5}""".splitlines()
BODIES += ["", "\0", "\xed\xb0\x80", '{"a":' + "[" * 5000 + "]" * 5000 + "}"]

PATHS = [
    *("_bulk_docs", "_find", "_all_docs", "_index", "_bulk_get", "_revs_diff", "_changes", "_explain", "_compact"),
    *("_purge", "_security", "_local/x", "x"),
]

QUERIES = """keys=5
keys=null
keys={}
startkey=5
startkey=null
endkey={}
limit=x
limit=-1
limit=1e400
limit[a]=5
skip=-5
descending=x
key=5
key=%22a%22&key=%22b%22
startkey=%22a
include_docs=x&conflicts=5
__proto__=5
rev=5
rev=[]
rev={}
revs=true&open_revs=5
open_revs=all
open_revs=[5]
revs_info=true&rev=1-x
latest=1&rev=2-0
latest=true&rev=1-0
binary=true
since=x
since=-1
since={}
since=1e99
live=true
live=true&limit=1
continuous=true
return_docs=false
filter=function(){}
filter=_selector
filter=_view
filter=_view&view=a/b
filter=x/y
filter=_doc_ids
filter=[5]
filter=_design
doc_ids=5
batch_size=0
batch_size=x
selector=5
feed=eventsource
feed=longpoll&timeout=50
feed=longpoll&timeout=50&since=now
feed=x
heartbeat=x
group_level=x
style=x
adapter=memory
auto_compaction=1""".splitlines()


def still_works(couch: EmbeddedCouch) -> None:
    with session(couch) as http:
        assert http.get(couch.url + "/db/k1", timeout=10).json()["a"] == 1
        assert "k1" in [row["id"] for row in http.get(couch.url + "/db/_all_docs", timeout=10).json()["rows"]]
        assert http.post(couch.url + "/db/_find", json={"selector": {"a": 1}}, timeout=10).json()["docs"]
        assert http.get(couch.url + "/db/_changes", timeout=10).json()["results"]
        assert http.put(couch.url + "/other", timeout=10).status_code == 201
        assert http.delete(couch.url + "/other", timeout=10).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_bodies_that_make_no_sense_are_answered(abused: EmbeddedCouch, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    with session(abused) as http:
        for method in ("POST", "PUT"):
            for body in BODIES:
                url = f"{abused.url}/db/{path}"
                answer = http.request(method, url, data=body.encode(), headers=headers, timeout=5)
                assert answer.status_code < 500, (method, body[:80], answer.text)
                assert isinstance(answer.json(), dict | list)
    still_works(abused)


@pytest.mark.parametrize("path", ["_all_docs", "_changes", "_index", "k1", "_local/y", "_info", "", "k1/att"])
def test_queries_that_make_no_sense_are_answered(abused: EmbeddedCouch, path: str) -> None:
    with session(abused) as http:
        for method in ("GET", "HEAD", "DELETE"):
            if method == "DELETE" and path in ("", "k1"):
                continue
            for query in QUERIES:
                answer = http.request(method, f"{abused.url}/db/{path}?{query}", timeout=5)
                assert answer.status_code < 500, (method, query, answer.text)
    still_works(abused)


def test_odd_methods_paths_and_bytes_are_answered(abused: EmbeddedCouch) -> None:
    paths = [
        *("/", "/db", "/db/k9", "/_all_dbs", "/_up", "/_session", "/db/_all_docs", "/db/_design/z", "/db/_local/y"),
        *("/none", "/none/x", "/%ZZ", "/db/%ZZ", "//x", "/%00", "/..", "/db/x%00y"),
    ]
    kinds = ["multipart/related; boundary=x", "multipart/form-data", "application/json; charset=utf-7", "text/plain"]
    with session(abused) as http:
        for method in ("PATCH", "OPTIONS", "TRACE", "COPY", "MOVE", "LOCK", "PUT", "POST"):
            for path in paths:
                answer = http.request(method, abused.url + path, timeout=5)
                assert answer.status_code < 500, (method, path, answer.text)
        for kind in kinds:
            for path in ("/db/_bulk_docs", "/db/_find", "/db/m", "/db/m/att"):
                for method in ("POST", "PUT"):
                    answer = http.request(
                        method, abused.url + path, data=b"--x", headers={"Content-Type": kind}, timeout=5
                    )
                    assert answer.status_code < 500, (method, path, kind, answer.text)
        big = json.dumps({"docs": [], "pad": " " * 70_000_000})
        answer = http.post(
            abused.url + "/db/_bulk_docs", data=big, headers={"Content-Type": "application/json"}, timeout=30
        )
        assert answer.status_code == 413
    for garbage in (b"garbage\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /db HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", abused.port), timeout=5) as raw:
            raw.sendall(garbage)
    still_works(abused)


def test_a_design_document_that_makes_no_sense_hurts_itself_only(abused: EmbeddedCouch) -> None:
    views = {"a": {"map": "function(d){while"}, "b": {"map": 5}, "c": {"map": "function(d){throw 1}"}, "d": 5}
    with session(abused) as http:
        url = abused.url + "/db/_design/v"
        body = {"views": views, "filters": {"f": "function(){throw 2}", "g": 5}, "validate_doc_update": "x"}
        http.put(url, json=body, timeout=5)
        for name in "abcde":
            assert http.get(f"{url}/_view/{name}", timeout=5).status_code < 500
        for name in ("v/f", "v/g", "_view&view=v/a"):
            assert http.get(f"{abused.url}/db/_changes?filter={name}", timeout=5).status_code < 500, name
    still_works(abused)
