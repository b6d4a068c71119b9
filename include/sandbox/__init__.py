"""A stand-in for the outside world on one machine, for demo and tests: GRDF's ADICT API and an embedded CouchDB."""
