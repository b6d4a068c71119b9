"""The meaning of gas data (``gas``) and a stand-in for the outside world (``sandbox``)."""
