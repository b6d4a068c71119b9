"""The account documents: in CouchDB, in its index, and in memory."""
