"""GRDF's ADICT API v2 and Client Connect on 127.0.0.1, with invented data and settable clock and faults."""
