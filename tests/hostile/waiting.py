"""Mark the tests and cases in which the provider stalls: those are not waited for long.

All others are patient, so that a busy machine fails no test.
"""

from collections.abc import Iterable
from typing import Any

import pytest

STALLED_SECONDS = 1.2
"""Seconds that a provider that stalls is waited for."""
STALL = 2 * STALLED_SECONDS
"""Seconds of silence that outlast it."""
STALLING = frozenset({"slow", "drip", "good tokens, too late"})
"""Names of cases in which the provider stalls."""

impatient = pytest.mark.impatient


def cases(names: Iterable[str]) -> list[Any]:
    """Return a test's parameters, those marked in which the provider stalls."""
    return [pytest.param(name, marks=impatient if name in STALLING else ()) for name in names]
