"""Show on a terminal what a command waits for: its step, the service, and for how long.

Whatever calls a service names it here. It is shown only while `main` has a terminal to show it on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class _Display:
    """One line, which is there while there is something to wait for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._shown: list[tuple[str | None, str | None]] = []
        """Steps and services, the innermost last."""

    @contextmanager
    def showing(self, *, step: str | None = None, service: str | None = None) -> Iterator[None]:
        outer = self._shown[-1] if self._shown else (None, None)
        self._shown.append((step or outer[0], service))
        self._show()
        try:
            yield
        finally:
            self._shown.pop()
            self._show()

    def _show(self) -> None:
        if not self._shown:
            if self._progress is not None:
                self._progress.stop()
            self._progress = None
            return
        if self._progress is None:
            # Standard output may be a document: nothing is written to it, or taken from it.
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                redirect_stdout=False,
            )
            self._progress.add_task(_text(*self._shown[-1]))
            self._progress.start()
        (task,) = self._progress.task_ids
        self._progress.update(task, description=_text(*self._shown[-1]), refresh=True)


_display: Final[ContextVar[_Display | None]] = ContextVar("display", default=None)


@contextmanager
def shown_on(console: Console | None) -> Iterator[None]:
    """Show on this console, if there is one, what is waited for inside."""
    token = _display.set(_Display(console) if console else None)
    try:
        yield
    finally:
        _display.reset(token)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show a step of the command."""
    display = _display.get()
    if display is None:
        yield
        return
    with display.showing(step=text):
        yield


@contextmanager
def waiting_for(service: str) -> Iterator[None]:
    """Show that the command, or its step, waits for a service."""
    display = _display.get()
    if display is None:
        yield
        return
    with display.showing(service=service):
        yield


def _text(step: str | None, service: str | None) -> str:
    if step and service:
        return f"{step} (waiting for {service})"
    return step or f"Waiting for {service}"
