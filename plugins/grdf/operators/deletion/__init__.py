"""The steps of a deletion: check, mark as leaving, revoke, purge, report."""
