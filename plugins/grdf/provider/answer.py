"""What a *Test* button says: the findings of the doctor's checks in a few sentences."""

from __future__ import annotations

import re

from grdf.doctor.findings import Check, Finding, findings_of
from include.gas.redact import redact


def answer(conn_id: str, what: str, check: Check) -> tuple[bool, str]:
    """Look until something is found that must be mended, and return what to show.

    What comes after that would mostly be its consequence, and a person waits.

    :param conn_id: the id under which Airflow keeps the form's values; it is made up for the test, so nobody knows it
    :param what: what the check looks at
    :return: whether the connection works, and the sentences
    """
    found: list[Finding] = []
    for finding in findings_of(what, check):
        if finding.state == "bad":
            return False, _shown([finding], conn_id)
        found.append(finding)
    return True, _shown(sorted(found, key=lambda finding: finding.state != "ok"), conn_id)


def _shown(findings: list[Finding], conn_id: str) -> str:
    """Return sentences that speak of "this connection" instead of an id that was made up."""
    text = re.sub(r" \(or in AIRFLOW_CONN_\w+\)", "", " ".join(map(_sentence, findings)))
    named = rf"(?:(?P<start>The|Our) |(?:the|our) )?(?:Airflow )?(?:connection )?\b{re.escape(conn_id)}\b"
    return redact(re.sub(named, lambda found: "This connection" if found["start"] else "this connection", text))


def _sentence(finding: Finding) -> str:
    says = finding.says.rstrip(".")
    if says.startswith(("it ", "version ")):
        says = f"{finding.what}: {says}"
    mark = "To look at: " if finding.state == "look" else ""
    return f"{mark}{says if mark else says[:1].upper() + says[1:]}." + (f" {finding.do}" if finding.do else "")
