"""An embedded CouchDB for demo, development and tests: no production server.

No package registry ships a real CouchDB. This one is a small Node.js server of ours (``server.js``, ``lib/``) over
PouchDB and LevelDB that answers what this project uses as CouchDB does: ``tests/sandbox/test_couch_*.py`` hold both
to the same answers. It has no partitions, no ``_purge``, no replication, and one account. In real use point the
Airflow connection ``couchdb`` at CouchDB 3.
"""

from __future__ import annotations

from include.sandbox.couch.embedded import CouchError, EmbeddedCouch
from include.sandbox.couch.node import NodeError, install_node_modules, node_binary

__all__ = ["CouchError", "EmbeddedCouch", "NodeError", "install_node_modules", "node_binary"]
