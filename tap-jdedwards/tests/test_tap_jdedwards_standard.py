"""The SDK's own suite for taps, against the emulator.

It asks the tap for its streams while tests are collected, so the emulator is started here and not by a fixture.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack

from service_emulators.testing import start_jde
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_jdedwards.tap import TapJDEdwards

_resources = ExitStack()
atexit.register(_resources.close)
_jde = _resources.enter_context(start_jde(customers=60, contacts=90, seed=5))

TestTapJDEdwards = get_tap_test_class(
    TapJDEdwards,
    config={"ais_url": _jde.url, "username": _jde.username, "password": _jde.password},
    suite_config=SuiteConfig(max_records_limit=80),
)
