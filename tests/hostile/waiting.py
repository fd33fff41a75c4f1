"""Mark the tests and cases in which the provider stalls, which wait only briefly.

All others wait for long, so that a busy machine fails no test.
"""

from collections.abc import Iterable
from typing import Any

import pytest

STALLED_SECONDS = 1.2
"""How long a test waits for a provider that stalls, in seconds."""
STALL = 2 * STALLED_SECONDS
"""How long the provider is silent: longer than a test waits, in seconds."""
STALLING = frozenset({"slow", "drip", "good tokens, too late"})
"""Names of cases in which the provider stalls."""

impatient = pytest.mark.impatient


def cases(names: Iterable[str]) -> list[Any]:
    """Return a test's parameters, marked `impatient` if the provider stalls in the case."""
    return [pytest.param(name, marks=impatient if name in STALLING else ()) for name in names]
