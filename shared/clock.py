"""Time: the clock that everything is given, and the deadline that is passed down to every call."""

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Return Unix time in seconds; `time.time` outside of tests."""

CLOCK_SKEW_SECONDS = 30
"""How far Logto's clock and this one may be apart."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A monotonic clock in seconds, and how to wait by it. Tests pass one of their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an answer must be ready, on the timer's clock; each call must check the time left."""

    at: float
    timer: Timer = Timer()

    @classmethod
    def after(cls, seconds: float, timer: Timer | None = None) -> "Deadline":
        """Return the deadline that is so many seconds from now."""
        timer = timer or Timer()
        return cls(timer.monotonic() + seconds, timer)

    def left(self) -> float:
        """Return the seconds that are left, 0 when the moment has passed."""
        return max(0.0, self.at - self.timer.monotonic())

    def within(self, seconds: float) -> "Deadline":
        """Return the earlier one of this deadline and `seconds` from now: a part of the whole."""
        return Deadline(min(self.at, self.timer.monotonic() + seconds), self.timer)

    def before(self, seconds: float) -> "Deadline":
        """Return the deadline that leaves so many seconds of this one."""
        return Deadline(self.at - seconds, self.timer)

    def renewed(self, seconds: float) -> "Deadline":
        """Return a deadline of its own on the same timer, later than this one if need be."""
        return Deadline.after(seconds, self.timer)

    def pause(self, seconds: float) -> None:
        """Wait so long, but not beyond the deadline."""
        self.timer.sleep(min(seconds, self.left()))
