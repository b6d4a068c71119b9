"""The steps of a deletion: check, approve, mark as leaving, revoke, purge."""
