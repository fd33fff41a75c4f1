"""One run: every step reads what is, and changes what differs, through here.

A dry run takes the same way and changes nothing.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from provision.record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that was changed, or would be: `action` is a verb, `detail` says what about it."""

    what: str
    action: str
    detail: str = ""


def _quietly(text: str) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(kw_only=True, slots=True)
class Run:
    """Applies changes and keeps what was done. `progress` shows what is under way."""

    record: Record
    dry: bool = False
    progress: Callable[[str], AbstractContextManager[object]] = _quietly
    pause: Callable[[float], None] = time.sleep
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the operator has to know or to do."""

    def change[T](self, change: Change, do: Callable[[], T]) -> T | None:
        """Do it, and note that it was done; None in a dry run."""
        if self.dry:
            self.changes.append(change)
            return None
        with self.progress(f"{change.what}: {change.action}"):
            done = do()
        self.changes.append(change)
        return done

    def remember(self) -> None:
        """Save the record of what was made."""
        if not self.dry:
            self.record.save()
