"""The composition root: what the commands reach the world through. Tests replace parts of it."""

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
from provision.errors import ProvisionFailed
from provision.stack import aws_session


class WrongUse(Exception):
    """A mistake in the command itself; the text says which option to give."""


def _line(question: str) -> str:
    print(question, end=" ", file=sys.stderr, flush=True)
    return input()


def _hidden(question: str) -> str:
    return getpass.getpass(f"{question} ", stream=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything outside the program. `interactive` tells whether somebody can answer."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    root: Path = field(default_factory=Path.cwd)
    interactive: bool = field(default_factory=sys.stdin.isatty)
    out: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))
    err: Console = field(
        default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False)
    )
    line: Callable[[str], str] = _line
    hidden: Callable[[str], str] = _hidden
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    credentials: microsoft.Credentials = microsoft.credentials
    session: Callable[[str | None, str | None], boto3.Session] = aws_session

    def ask(self, question: str, option: str, *, default: str | None = None) -> str:
        """An answer, or the default. Raises WrongUse where nobody can answer."""
        if not self.interactive:
            if default is not None:
                return default
            raise WrongUse(f"{option} is needed")
        shown = f"{question} [{default}]:" if default else f"{question}:"
        answer = self._read(self.line, shown).strip()
        return answer or default or self.ask(question, option)

    def ask_secret(self, question: str, where: str) -> str:
        """An answer that the terminal does not show. Raises WrongUse where nobody can answer."""
        if not self.interactive:
            raise WrongUse(f"{where} is needed")
        return self._read(self.hidden, f"{question}:").strip()

    def confirm(self, question: str, option: str) -> bool:
        """Yes or no, no by default. Raises WrongUse where nobody can answer."""
        if not self.interactive:
            raise WrongUse(f"{option} is needed where nobody can be asked")
        answer = self._read(self.line, f"{question} [y/N]:")
        return answer.strip().lower() in ("y", "yes")

    def secret(self, question: str, variable: str, file: Path | None) -> str:
        """A secret from a file, the environment, or a prompt without echo: never an argument."""
        if file is not None:
            try:
                text = file.read_text().strip()
            except (OSError, UnicodeDecodeError):
                raise ProvisionFailed(f"{file} cannot be read") from None
            if not text:
                raise ProvisionFailed(f"{file} is empty")
            return text
        given = self.environment.get(variable)
        return given or self.ask_secret(question, f"{variable} in the environment, or a file,")

    def _read(self, read: Callable[[str], str], question: str) -> str:
        try:
            return read(question)
        except EOFError:
            raise WrongUse("the input ended before everything was answered") from None


def world_of(context: typer.Context) -> World:
    """The world of a command."""
    world = context.find_object(World)
    assert world is not None
    return world
