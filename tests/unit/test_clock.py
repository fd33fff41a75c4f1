"""Deadlines, on a clock that is moved by hand."""

from dataclasses import dataclass, field

import pytest

from shared.clock import Deadline, Timer


@dataclass
class Hand:
    """A monotonic clock that moves only when somebody sleeps by it."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline.after(seconds, Timer(lambda: self.now, self.sleep))


def test_time_left_shrinks_to_zero_and_no_further() -> None:
    hand = Hand()
    deadline = hand.deadline(5)
    hand.now += 3
    assert deadline.left() == 2
    hand.now += 3
    assert deadline.left() == 0


@pytest.mark.parametrize(("seconds", "left"), [(2, 2), (5, 5), (9, 5)])
def test_part_ends_with_its_own_limit_or_with_the_whole(seconds: float, left: float) -> None:
    assert Hand().deadline(5).within(seconds).left() == left


@pytest.mark.parametrize(("reserve", "left"), [(2, 3), (5, 0), (9, 0)])
def test_reserve_is_left_of_the_whole(reserve: float, left: float) -> None:
    assert Hand().deadline(5).before(reserve).left() == left


@pytest.mark.parametrize("later", [0, 4, 60])
def test_renewed_deadline_has_all_its_time(later: float) -> None:
    hand = Hand()
    deadline = hand.deadline(5)
    hand.now += later
    assert deadline.renewed(7).left() == 7


@pytest.mark.parametrize(("seconds", "slept"), [(2, 2), (9, 5)])
def test_pause_ends_with_the_deadline(seconds: float, slept: float) -> None:
    hand = Hand()
    deadline = hand.deadline(5)
    deadline.pause(seconds)
    assert hand.slept == [slept]
