"""The DAG that compares our rights with GRDF's list, every morning."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from grdf.airflow.tasks.defaults import STORING, fleet_dag_arguments, in_paris, task_defaults
from grdf.operators.check_rights import CheckRightsOperator

DOC = """
Asks GRDF for all our access rights, then about those that its list does not show as active, and updates the accounts:
consents that were revoked on GRDF's site, or are in force again. An account whose household must
act says so in its document (`state`, `state_message`), and its scheduled runs are skipped until the household has
acted.

An account keeps to the consents that it brought itself. Consents that no account has change nothing, and the page
*Fleet* names them: one on an account's meter may belong to the present occupants. If you **know** that it is this
household's, and the household cannot connect again, start this DAG with the account's id under *Accounts*. **Dry run**
is on: the log says which consent would become the account's own. Then start it again with dry run off; the log keeps
your name. Such a run does nothing if it is cleared later: start it anew. This is also the way for an account whose
declaration GRDF has refused because there is a right to its meter already.
"""
PARAMS = {
    "accounts": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Accounts",
        description="Empty for the usual morning check. Otherwise: ids of accounts whose household gave the newest "
        "consent on their meter, although the account has not brought it.",
    ),
    "dry_run": Param(True, type="boolean", title="Dry run", description="With accounts: only log what would change."),
}

with DAG(
    "grdf_consents",
    # Before the first accounts' runs, which then ask under current rights only.
    schedule=in_paris("30 7 * * *"),
    **fleet_dag_arguments("Gas: compare rights with GRDF's list (grdf_consents)"),
    params=PARAMS,
    default_args=task_defaults(STORING),  # a few calls to GRDF, then all account documents
    doc_md=DOC,
):
    CheckRightsOperator(task_id="check_consents")
