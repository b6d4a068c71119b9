"""The account documents: in CouchDB, in the index by which they are found, and in memory."""
