"""Watch the code: a change of the functions reloads them, other changes restart the stack."""

import enum
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfiles import DefaultFilter, watch

from local.options import ROOT

_FUNCTIONS = ("functions", "shared")
_STACK = ("local", "provision", "template.yaml", ".env")
_INSTEAD = "To look for them regularly instead: WATCHFILES_FORCE_POLLING=true make up"
_SUFFIXES = (".py", ".html", ".css", ".yaml", ".env")


class Change(enum.Enum):
    """What has changed: code of the functions, or of the stack that runs them."""

    FUNCTIONS = enum.auto()
    STACK = enum.auto()


@contextmanager
def changes(stop: threading.Event, root: Path = ROOT) -> Iterator[Iterator[Change]]:
    """Iterate over the changes from now on, until `stop` is set.

    If the files cannot be watched, one line says so, and there are no changes.
    """
    found: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_watch, args=(found, stop, root), name="reload")
    thread.start()
    try:
        yield iter(found.get, None)
    finally:
        stop.set()
        thread.join()


def _watch(found: "queue.SimpleQueue[Change | None]", stop: threading.Event, root: Path) -> None:
    watched = [root / name for name in (*_FUNCTIONS, *_STACK) if (root / name).exists()]
    try:
        for batch in watch(
            *watched, watch_filter=_Sources(), stop_event=stop, raise_interrupt=False
        ):
            tops = {Path(path).relative_to(root).parts[0] for _, path in batch}
            found.put(Change.STACK if tops & set(_STACK) else Change.FUNCTIONS)
    except (OSError, RuntimeError) as failure:
        # Linux limits the watches of a user; watchfiles' own error is a RuntimeError.
        reason = " ".join(str(failure).split())
        print(f"Changes of the code are not noticed: {reason}. {_INSTEAD}", flush=True)
        stop.wait()
    finally:
        found.put(None)  # without it, the reader would wait for ever


class _Sources(DefaultFilter):
    """Accepts the files that the running code is made of."""

    def __call__(self, change: object, path: str) -> bool:
        return path.endswith(_SUFFIXES) and super().__call__(change, path)  # type: ignore[arg-type]
