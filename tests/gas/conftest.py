"""How the property tests run: without a stop-watch, as a busy machine is no bug."""

from hypothesis import HealthCheck, settings

settings.register_profile("gas", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
settings.load_profile("gas")
