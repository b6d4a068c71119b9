"""GRDF's ADICT API v2 and its Client Connect, as a small local server with settable clock, faults and quirks.

Start it with ``python -m include.sandbox.adict --port N --data DIR``. It binds 127.0.0.1 only and holds invented data
only. What it does where GRDF's behaviour is not known is said in the docstring of the module that decides it.
"""
