"""An embedded CouchDB for the demo, development and tests; not a production server.

No package registry offers a real CouchDB. This one is a small Node.js server (``server.js``, ``lib/``) on top of
PouchDB and LevelDB. For the requests that this project uses, it answers as CouchDB does, and
``tests/sandbox/test_couch_*.py`` check that both give the same answers. It has no partitions, no
replication, and one administrator, and ids of what was purged stay in its files. In production, point the Airflow
connection ``couchdb`` to CouchDB 3.
"""

from __future__ import annotations

from include.sandbox.couch.embedded import EmbeddedCouch
from include.sandbox.couch.node import install_node_modules, node_binary

__all__ = ["EmbeddedCouch", "install_node_modules", "node_binary"]
