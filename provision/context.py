"""What a command gets from outside: a terminal, an environment, a clock, sign-ins, functions.

`python -m provision` uses the real ones, the defaults here. Tests pass a Context with parts of
their own.
"""

import getpass
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import boto3
import typer
from rich.console import Console

from provision import microsoft
from provision.admin_function import AdminFunction, local_function
from provision.aws import aws_session
from provision.errors import ProvisionFailed
from provision.text_file import read_text

_VISIBLE: Final = re.compile(r"[!-~]+")


class UsageError(Exception):
    """A mistake in the command itself. The text says which option to pass."""


def _read_line(question: str) -> str:
    print(question, end=" ", file=sys.stderr, flush=True)
    return input()


def _read_hidden(question: str) -> str:
    return getpass.getpass(f"{question} ", stream=sys.stderr)


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _stderr_is_a_terminal() -> bool:
    # Not Rich's own guess: FORCE_COLOR, which many CI systems set, makes that of every file.
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything outside the program. `interactive`: somebody is there to answer questions."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    root: Path = field(default_factory=Path.cwd)
    interactive: bool = field(default_factory=_somebody_is_there)
    out: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))
    err: Console = field(
        default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False)
    )
    shows_progress: bool = field(default_factory=_stderr_is_a_terminal)
    """Whether somebody sees what a command waits for."""
    read_line: Callable[[str], str] = _read_line
    read_hidden: Callable[[str], str] = _read_hidden
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    credentials: microsoft.Credentials = microsoft.credentials
    session: Callable[[str | None, str | None], boto3.Session] = aws_session
    local_function: Callable[[], AdminFunction] = local_function

    def ask(self, question: str, option: str, *, default: str | None = None) -> str:
        """Ask a question; an empty answer is the default. Raises UsageError if nobody is there."""
        if not self.interactive:
            if default is not None:
                return default
            raise UsageError(f"{option} is required when nobody can be asked.")
        shown = f"{question} [{default}]:" if default else f"{question}:"
        answer = self._read(self.read_line, shown).strip()
        return answer or default or self.ask(question, option)

    def ask_secret(self, question: str, source: str) -> str:
        """Ask without showing the answer.

        Raises UsageError if nobody is there, and ProvisionFailed if the answer is not a secret.
        """
        if not self.interactive:
            raise UsageError(f"{source} is required when nobody can be asked.")
        return only_visible(self._read(self.read_hidden, f"{question}:"), "The answer")

    def confirm(self, question: str, option: str) -> bool:
        """Ask yes or no; an empty answer is no. Raises UsageError if nobody is there."""
        if not self.interactive:
            raise UsageError(f"{option} is required when nobody can be asked.")
        answer = self._read(self.read_line, f"{question} [y/N]:")
        return answer.strip().lower() in ("y", "yes")

    def secret(self, question: str, variable: str, file: Path | None) -> str:
        """Read a secret from a file, the environment or a prompt without echo.

        Never from an argument, which other users of the machine could see. Raises
        ProvisionFailed and UsageError.
        """
        if file is not None:
            return only_visible(read_text(file), str(file))
        if given := self.environment.get(variable):
            return only_visible(given, variable)
        return self.ask_secret(question, f"{variable} in the environment, or a file,")

    def _read(self, read: Callable[[str], str], question: str) -> str:
        try:
            return read(question)
        except EOFError:
            raise UsageError("The input ended before every question was answered.") from None


def only_visible(text: str, source: str, *, what: str = "secret") -> str:
    """Return a secret or an id without the space around it. Raises ProvisionFailed.

    Logto and Entra make them of visible ASCII characters. Anything else was added on the way, as a
    mark, a second line or an invisible character, and would be sent as part of it.
    """
    visible = text.strip()
    if not visible:
        raise ProvisionFailed(f"{source} is empty.", f"It must hold the {what}, and nothing else.")
    if not _VISIBLE.fullmatch(visible):
        raise ProvisionFailed(
            f"{source} has a space, a second line or another character that no {what} has.",
            f"It must hold the {what}, and nothing else.",
        )
    return visible


def context_of(invocation: typer.Context) -> Context:
    """Return the Context that `main` was called with."""
    context = invocation.find_object(Context)
    assert context is not None
    return context
