"""The hooks of our connection types, which Airflow's *Test* buttons give the form under an invented id."""

from __future__ import annotations

import re

from grdf.doctor import client_checks, couchdb_checks
from grdf.doctor.findings import Check, Finding, findings_of
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.provider import provider_info
from include.gas.redact import redact

GRDF = "GRDF"


class GrdfAdict(AdictHook):
    """ADICT with a connection of the type *GRDF ADICT*."""

    conn_type = provider_info.GRDF
    hook_name = "GRDF ADICT"

    def test_connection(self) -> tuple[bool, str]:
        """Ask GRDF for a token and our rights, and its consent page whether it knows us. Never raise."""
        return test_result(self.grdf_conn_id, GRDF, lambda: client_checks.check_client(self))


class GrdfDeletionSecret(GrdfOAuthHook):
    """The client that may revoke, with a connection of the type *GRDF deletion secret*."""

    conn_name_attr = "grdf_conn_id"
    conn_type = provider_info.DELETION
    hook_name = "GRDF deletion secret"

    def test_connection(self) -> tuple[bool, str]:
        """Ask GRDF for a token, and throw it away. Never raise, never revoke."""
        return test_result(self.grdf_conn_id, GRDF, lambda: client_checks.check_deletion_client(self))


class GrdfCouchDB(CouchDBHook):
    """CouchDB with a connection of the type *CouchDB*."""

    conn_type = provider_info.COUCHDB
    hook_name = "CouchDB"

    def test_connection(self) -> tuple[bool, str]:
        """Check version, clock, login and databases, read-only. Never raise."""
        hook = couchdb_checks.hook_of_doctor(self.couchdb_conn_id)
        return test_result(self.couchdb_conn_id, "CouchDB", lambda: couchdb_checks.check_connection(hook))


def test_result(conn_id: str, what: str, check: Check) -> tuple[bool, str]:
    """Check until something must be mended, and return whether the connection works, with sentences to show."""
    found: list[Finding] = []
    for finding in findings_of(what, check):
        if finding.state == "bad":
            return False, _shown([finding], conn_id)
        found.append(finding)
    return True, _shown(sorted(found, key=lambda finding: finding.state != "ok"), conn_id)


def _shown(findings: list[Finding], conn_id: str) -> str:
    text = re.sub(r" \(or in AIRFLOW_CONN_\w+\)", "", " ".join(map(_sentence, findings)))
    named = rf"(?:(?P<start>The|Our) |(?:the|our) )?(?:Airflow )?(?:connection )?\b{re.escape(conn_id)}\b"
    return redact(re.sub(named, lambda found: "This connection" if found["start"] else "this connection", text))


def _sentence(finding: Finding) -> str:
    says = finding.says.rstrip(".")
    if says.startswith(("it ", "version ")):
        says = f"{finding.what}: {says}"
    mark = "To look at: " if finding.state == "look" else ""
    return f"{mark}{says if mark else says[:1].upper() + says[1:]}." + (f" {finding.do}" if finding.do else "")
