"""Benchmarks of this project, run by ``./grdf bench``: each measures beside its ordinary alternative."""
