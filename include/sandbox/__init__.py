"""A local stand-in for the outside world, for the demo and tests: GRDF's ADICT API and an embedded CouchDB."""
