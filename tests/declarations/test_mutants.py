"""Every mutant turns off a guard that is there, and names tests that there are."""

import subprocess
import sys

import pytest

from tests.mutants import MUTANTS
from tests.mutants.edits import Edit, always, becomes, instead, never, together, without
from tests.mutants.mutant import ROOT, Misfit, Mutant, Text


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_mutant_fits_the_code(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    assert mutant.changed(text) != text


def test_names_are_unique() -> None:
    names = [mutant.guard for mutant in MUTANTS]
    assert len(names) == len(set(names))


@pytest.fixture(scope="module")
def collected() -> list[tuple[str, str]]:
    """The files that mutants name, each with the names of its tests."""
    files = sorted({file for mutant in MUTANTS for file in mutant.tests.split()})
    assert [file for file in files if not (ROOT / file).exists()] == []
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    names = [line.partition("::") for line in done.stdout.splitlines() if "::" in line]
    return [(file, name.lower()) for file, _, name in names]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_mutant_names_tests(mutant: Mutant, collected: list[tuple[str, str]]) -> None:
    """Each word is in the name of a test, and each file holds a test with one of the words."""
    words = [word.lower() for word in mutant.only.split()]
    found = {
        named: [name for file, name in collected if file.startswith(named)]
        for named in mutant.tests.split()
    }
    for names in found.values():
        assert any(word in name for name in names for word in words or [""])
    for word in words:
        assert any(word in name for names in found.values() for name in names), word


CODE = '''
LIMIT: Final = 5


class Guard:
    def check(self, a, b):
        """Say what this does."""
        if a > 1:  # why
            raise ValueError("a long text")
        note(a, b)
        for each in (x for x in b if x):
            use(each, size=LIMIT, **{"a": 1, **b})
        return not a or b[0] == "x" or [*a, 5]
'''


EDITS: dict[str, tuple[str, Edit, str]] = {
    "never": ("Guard.check", never("(a) > 1"), "if False:"),
    "always": ("Guard.check", always("x"), "for x in b if True"),
    "an expression": ("Guard.check", instead("b[0] == 'x'", "c"), "return not a or c or [*a, 5]"),
    "a keyword": ("Guard.check", instead("size=LIMIT", "size=2"), "size=2"),
    "a statement": ("Guard.check", instead("raise ValueError(...)", "return None"), "return None"),
    "two statements": (
        "Guard.check",
        instead("if a > 1:\n    raise ...\nnote(a, ...)", "note(2)"),
        "note(2)",
    ),
    "without a statement": ("Guard.check", without("raise ValueError(...)"), "pass"),
    "without an operand": ("Guard.check", without("not a"), "return b[0] == 'x' or [*a, 5]"),
    "without an argument": ("Guard.check", without("each"), "use(size=LIMIT"),
    "without a keyword": ("Guard.check", without("size=..."), "use(each, **{"),
    "without a pair": ("Guard.check", without("'a': 1"), "**{**b}"),
    "without a mapping": ("Guard.check", without("**b"), "**{'a': 1}"),
    "without an element": ("Guard.check", without("*a"), "or [5]"),
    "a constant": ("LIMIT", becomes("6"), "LIMIT: Final = 6"),
    "together": ("Guard", together(never("a > 1"), without("note(...)")), "if False:"),
}


@pytest.mark.parametrize("name", EDITS)
def test_edit(name: str) -> None:
    path, edit, expected = EDITS[name]
    assert expected not in CODE
    assert expected in Mutant(name, f"module:{path}", edit, "").changed(CODE)


MISFITS: dict[str, tuple[str, Edit | Text]] = {
    "no such condition": ("module:Guard.check", never("a > 2")),
    "a condition of another function": ("module:LIMIT", never("a > 1")),
    "no such function": ("module:Guard.other", never("a > 1")),
    "a function of another class": ("module:check", never("a > 1")),
    "more than once": ("module:Guard.check", instead("a", "c")),
    "nothing changes": ("module:LIMIT", becomes("5")),
    "one of two": ("module:Guard", together(never("a > 1"), never("a > 2"))),
    "text": ("file.yaml", Text("size", "length")),
}


@pytest.mark.parametrize("name", MISFITS)
def test_misfit(name: str) -> None:
    at, change = MISFITS[name]
    code = f"{CODE}# size\n" if isinstance(change, Text) else CODE
    with pytest.raises(Misfit):
        Mutant(name, at, change, "").changed(code)
