"""What the DAGs stand on: what gas data means (``gas``) and a stand-in for the outside world (``sandbox``)."""
