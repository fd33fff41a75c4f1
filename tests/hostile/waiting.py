"""How long a test's process waits for the provider.

It is patient, so that a busy machine fails no test, but for the tests and cases in which the
provider stalls: those are marked, and only their own good answers have to come soon.
"""

from collections.abc import Iterable
from typing import Any

import pytest

PATIENT, IMPATIENT = 30.0, 1.2
"""Seconds."""
STALL = 2 * IMPATIENT
"""Seconds of silence that nobody who is impatient waits out."""
STALLING = frozenset({"slow", "drip", "good tokens, too late"})
"""Names of cases in which the provider stalls."""

impatient = pytest.mark.impatient


def cases(names: Iterable[str]) -> list[Any]:
    """Parameters of a test, those marked in which the provider stalls."""
    return [pytest.param(name, marks=impatient if name in STALLING else ()) for name in names]
