"""One run of a command: steps read what exists, and change what differs, through a Run.

A dry run takes the same steps and changes nothing.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from provision.record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that was changed, or would be. `action` is a verb, `detail` its object."""

    what: str
    action: str
    detail: str = ""


def _no_progress(text: str) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(kw_only=True, slots=True)
class Run:
    """Applies changes and collects them. `progress` shows which one is being applied."""

    record: Record
    dry_run: bool = False
    progress: Callable[[str], AbstractContextManager[object]] = _no_progress
    pause: Callable[[float], None] = time.sleep
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the operator has to know or to do."""
    warnings: list[str] = field(default_factory=list)
    """What the operator has to know before agreeing to the changes."""

    def apply[T](self, change: Change, do: Callable[[], T]) -> T | None:
        """Apply a change, add it to `changes`, and return its result; None in a dry run."""
        if self.dry_run:
            self.changes.append(change)
            return None
        with self.progress(f"{change.what}: {change.action}"):
            result = do()
        self.changes.append(change)
        return result

    def save_record(self) -> None:
        """Save the record of what was made, except in a dry run. Raises ProvisionFailed."""
        if not self.dry_run:
            self.record.save()
