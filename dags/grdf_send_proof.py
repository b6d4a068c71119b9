"""The DAG that sends GRDF the proofs of consent that it asks for."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import METERS, manual_dag_arguments, task_defaults
from grdf.operators.ways_in.send_proof import SendProofOperator

DOC = """
GRDF checks consents afterwards: it asks for the proof of a right and sets a deadline. `grdf_consents` sees that every
morning, and the page tells it. This DAG sends the proof, for one account or for all that it has seen.

The proof is the record of the consent as a PDF, with what the household entered. Files of your own go first: put up to
three (PDF, PNG or JPEG, at most 4 MB each) into the folder `proofs/ACCOUNT/` of `[grdf] staging_url`. They are sent for
each right of the account that GRDF asks about, and removed once GRDF has taken them. A file that GRDF would not take is
refused with the reason, and nothing is sent for that account.

GRDF is asked first: started again, it sends nothing that GRDF already checks. To replace a proof that GRDF has refused,
put better files there.
"""
PARAMS = {
    "account": Param(
        "",
        type="string",
        title="Account",
        description="The account's id, as on the page Gas accounts. Empty for all that wait.",
    ),
}

with DAG(
    "grdf_send_proof",
    schedule=None,
    **manual_dag_arguments("Gas: send proofs of consent (grdf_send_proof)"),
    max_active_runs=1,  # two at once could send the same proof twice
    params=PARAMS,
    default_args=task_defaults(METERS),
    doc_md=DOC,
):
    SendProofOperator(task_id="send", account_id="{{ params.account }}")
