"""GRDF's ADICT API v2 and its Client Connect, as a small local server whose clock, faults and quirks can be set.

It binds 127.0.0.1 only and contains invented data only. Where GRDF's behaviour is not known, the docstring of the
module concerned says what the sandbox does.
"""
