"""What holds for every test."""

import sys

from hypothesis import settings

# How long an example takes says how busy the machine is, and pytest-timeout ends what hangs.
settings.register_profile("chartly", deadline=None)
settings.load_profile("chartly")


def pytest_runtest_teardown(item):
    """Clears caches after a test without coverage: what it filled would never be seen to run."""
    if item.get_closest_marker("no_cover") is None:
        return
    packages = [module for name, module in sys.modules.items() if name.startswith("chartly")]
    for value in [value for package in packages for value in vars(package).values()]:
        if callable(clear := getattr(value, "cache_clear", None)):
            clear()
