"""What all tests of the repository share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast examples are made and run says more about the machine than about the code: no test may fail for it. Fixtures
# that last for all examples of a test are servers, whose start is dear; the tests that use them tell examples apart.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")
