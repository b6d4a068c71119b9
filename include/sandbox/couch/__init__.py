"""An embedded CouchDB for trials and tests; not a production server.

No registry offers a real one. This Node.js server (``server.js``, ``lib/``) on PouchDB and LevelDB answers as CouchDB
does, for our requests (``tests/sandbox/test_couch_*.py``). No partitions, no replication, one administrator, and ids of
what was purged stay in its files.
"""

from __future__ import annotations

from include.sandbox.couch.embedded import EmbeddedCouch
from include.sandbox.couch.node import install_node_modules, node_binary

__all__ = ["EmbeddedCouch", "install_node_modules", "node_binary"]
