"""The clock that everything is given."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Unix time in seconds; `time.time` outside of tests."""
