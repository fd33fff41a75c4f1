"""What a command gets from outside: a terminal, an environment, a clock, sign-ins, functions.

`python -m provision` uses the real ones, the defaults here. Tests pass a Context with parts of
their own.
"""

import getpass
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import typer
from rich.console import Console

from provision import microsoft
from provision.admin_function import AdminFunction, local_function
from provision.errors import ProvisionFailed
from provision.stack import aws_session


class UsageError(Exception):
    """A mistake in the command itself. The text says which option to pass."""


def _read_line(question: str) -> str:
    print(question, end=" ", file=sys.stderr, flush=True)
    return input()


def _read_hidden(question: str) -> str:
    return getpass.getpass(f"{question} ", stream=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything outside the program. `interactive`: somebody is there to answer questions."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    root: Path = field(default_factory=Path.cwd)
    interactive: bool = field(default_factory=sys.stdin.isatty)
    out: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))
    err: Console = field(
        default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False)
    )
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
        """Ask without showing the answer. Raises UsageError if nobody is there."""
        if not self.interactive:
            raise UsageError(f"{source} is required when nobody can be asked.")
        return self._read(self.read_hidden, f"{question}:").strip()

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
            try:
                text = file.read_text().strip()
            except (OSError, UnicodeDecodeError):
                raise ProvisionFailed(f"{file} cannot be read.") from None
            if not text:
                raise ProvisionFailed(f"{file} is empty.")
            return text
        given = self.environment.get(variable)
        return given or self.ask_secret(question, f"{variable} in the environment, or a file,")

    def _read(self, read: Callable[[str], str], question: str) -> str:
        try:
            return read(question)
        except EOFError:
            raise UsageError("The input ended before every question was answered.") from None


def context_of(invocation: typer.Context) -> Context:
    """Return the Context that `main` was called with."""
    context = invocation.find_object(Context)
    assert context is not None
    return context
