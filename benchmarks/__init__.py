"""Benchmarks of this project, run by ``./grdf bench``. Each also measures the usual alternative."""
