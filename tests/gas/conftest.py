"""Settings of the property tests: no deadline, because a busy machine is not a bug."""

from hypothesis import HealthCheck, settings

settings.register_profile("gas", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
settings.load_profile("gas")
