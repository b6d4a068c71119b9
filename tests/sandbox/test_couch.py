"""The embedded CouchDB answers as CouchDB 3 does."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import ProcessError
from tests.sandbox.conftest import Couch


def bulk(couch: Couch, db: str, *docs: dict[str, Any]) -> list[dict[str, Any]]:
    return list(couch.fetch("POST", db + "/_bulk_docs", 201, json={"docs": docs}))


@pytest.mark.parametrize(
    ("design", "status"), [(None, 201), ({"validate_doc_update": "function () {}"}, 409)], ids=["plain", "validating"]
)
def test_the_revision_of_a_document_that_is_gone(
    couch: Couch, db: str, design: dict[str, str] | None, status: int
) -> None:
    """CouchDB 3.5.2 looks at it only in a database with a ``validate_doc_update``, and always at a tombstone."""
    if design:
        couch.fetch("PUT", db + "/_design/any", 201, json=design)
    # Until it knows that a shard of a new database has no such function, CouchDB looks, too.
    bulk(couch, db, *({"_id": f"k{n}"} for n in range(40)))
    revs = {name: couch.fetch("PUT", f"{db}/{name}", 201, json={})["rev"] for name in ("purged", "deleted", "twice")}
    for name in ("deleted", "twice"):
        couch.fetch("DELETE", f"{db}/{name}", params={"rev": revs[name]})
    asked = {"json": {"keys": [*revs]}}
    rows = couch.fetch("POST", db + "/_all_docs", **asked)["rows"]
    assert [row["value"].get("deleted", False) for row in rows] == [False, True, True]
    newest = {row["id"]: [row["value"]["rev"]] for row in rows}
    purge = {"purged": newest["purged"], "twice": newest["twice"], "deleted": [revs["deleted"]], "never": []}
    assert couch.fetch("POST", db + "/_purge", 201, json=purge)["purged"] == purge | {"deleted": []}
    rows = couch.fetch("POST", db + "/_all_docs", **asked)["rows"]
    assert [row.get("error") for row in rows] == ["not_found", None, "not_found"]
    couch.fetch("GET", db + "/purged", 404)
    assert {row["id"] for row in couch.fetch("GET", db + "/_changes")["results"]} & {*revs} == {"deleted"}
    couch.fetch("PUT", db + "/deleted", 409, json={"_rev": revs["deleted"]})
    couch.fetch("PUT", db + "/purged", status, json={"_rev": revs["purged"], "n": 2})
    couch.fetch("PUT", db + "/never", status, json={"n": 2}, params={"rev": revs["purged"]})
    rows = bulk(couch, db, *({"_id": name, "_rev": revs["twice"], "n": 2} for name in ("twice", "nor-this")))
    assert [row.get("error") for row in rows] == ["conflict" if design else None] * 2
    for name in ("purged", "never", "twice", "nor-this"):
        assert couch.get(f"{db}/{name}").json().get("n") == (None if design else 2)
    couch.fetch("PUT", db + "/purged", 409, json={"_rev": revs["purged"]})


@pytest.mark.parametrize("memory", [False, True])
def test_a_restart_keeps_the_password_and_perhaps_the_data(tmp_path: Path, memory: bool) -> None:
    folder, names, passwords = tmp_path / "couch", ["plain", "prefix/io-cozy-accounts"], set()
    for kept in ([], [] if memory else names):
        with EmbeddedCouch(folder, memory=memory) as couch, Couch(couch.url, (couch.user, couch.password)) as http:
            assert http.fetch("GET", "/_all_dbs") == kept
            for name in names if not kept else []:
                http.fetch("PUT", "/" + name.replace("/", "%2F"), 201)
            passwords.add(couch.password)
            modes = [stat.S_IMODE(file.stat().st_mode) for file in (folder, folder / "password")]
            assert modes == [0o700, 0o600]
            assert couch.password not in Path(f"/proc/{couch.pid}/cmdline").read_text()
            with pytest.raises(ProcessError, match="in use by another embedded CouchDB"):
                EmbeddedCouch(folder).__enter__()
    (password,) = passwords
    assert password not in (folder / "couch.log").read_text()
