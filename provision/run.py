"""One run of a command: steps read what exists, and change what differs, through a Run.

A dry run takes the same steps and changes nothing.
"""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from provision.record import Record

NOT_YET: Final = "(known once it is made)"
"""Takes the place, in a plan, of an id or a secret that does not exist yet."""
_HIDDEN: Final = "(hidden)"
"""Takes the place of a secret, old or new."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueChange:
    """A member of an object, with its old and its new value. None: there is none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that was changed, or would be. `action` is a verb, `detail` its object.

    `name` and `id` are the object's; the id is None if it does not exist yet, or has none.
    """

    what: str
    action: str
    detail: str = ""
    name: str = ""
    id: str | None = None
    values: tuple[ValueChange, ...] = ()


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: Collection[str] = ()
) -> tuple[ValueChange, ...]:
    """List the members that `after` gives another value; `hidden` ones are secrets."""

    def shown(name: str, value: Any) -> Any:
        return _HIDDEN if name in hidden and value is not None else value

    return tuple(
        ValueChange(name=name, before=shown(name, before.get(name)), after=shown(name, value))
        for name, value in after.items()
        if before.get(name) != value
    )


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
