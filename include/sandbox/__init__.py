"""A local stand-in for the outside world: GRDF's ADICT API and an embedded CouchDB."""
