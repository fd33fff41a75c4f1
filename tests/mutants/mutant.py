"""A mutant: one guard turned off in one file, and the tests that must notice."""

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.edits import Edit, find

ROOT = Path(__file__).resolve().parent.parent.parent


class Misfit(Exception):
    """A mutant that does not fit the code: what it names is not there exactly once."""


@dataclass(frozen=True, slots=True)
class Text:
    """A change of a file that is not Python: a text that is there once, and another one."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard, and how it is turned off.

    `at` is `module`, `module:Class.function` or `module:CONSTANT`; of a `Text`, the file. `tests`
    are files or folders, and `only` words in the names of the tests that are run there; a test's
    parameters are a part of its name. Without words all of them are run.
    """

    guard: str
    at: str
    change: Edit | Text
    tests: str
    only: str = ""

    @property
    def file(self) -> str:
        """The path of the file that is changed."""
        module = self.at.partition(":")[0]
        return self.at if isinstance(self.change, Text) else f"{module.replace('.', '/')}.py"

    def changed(self, text: str) -> str:
        """Return the file's text with the guard turned off. Raises Misfit."""
        if isinstance(self.change, Text):
            if text.count(self.change.old) != 1:
                raise Misfit(f"{self.guard}: its text is not once in {self.at}")
            return text.replace(self.change.old, self.change.new)
        tree = ast.parse(text)
        before = ast.unparse(tree)
        scope = find(tree, self.at.partition(":")[2])
        if scope is None:
            raise Misfit(f"{self.guard}: {self.at} is not there, or more than once")
        if (places := self.change(scope)) != 1:
            raise Misfit(f"{self.guard}: what it changes is {places} times in {self.at}")
        after = ast.unparse(tree)
        if after == before:
            raise Misfit(f"{self.guard}: it changes nothing in {self.at}")
        compile(after, self.file, "exec")  # a mutant that does not run proves nothing
        return f"{after}\n"
