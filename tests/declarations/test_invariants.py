"""Invariants: `docs/security.md` numbers them, and tests are marked with these numbers."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "security.md"
NUMBERS = range(1, 20)


def documented() -> dict[int, set[str]]:
    """Return the test modules that the document links, by the number of the invariant."""
    section = DOCUMENT.read_text().partition("\n## Invariants\n")[2].partition("\n## ")[0]
    entries = re.split(r"(?m)^(\d+)\. \*\*", section.partition("\n### Rules of one part\n")[0])[1:]
    numbers = [int(number) for number in entries[::2]]
    assert numbers == list(NUMBERS)
    return {
        number: set(re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)", entry))
        for number, entry in zip(numbers, entries[1::2], strict=True)
    }


def is_mark(node: ast.AST) -> bool:
    """Return whether a node is `pytest.mark.invariant` or the same name from another import."""
    return isinstance(node, ast.Attribute) and node.attr == "invariant"


def numbers_in(node: ast.AST) -> list[int]:
    """Return the numbers of the marks in a decorator or in the value of `pytestmark`."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call) and is_mark(each.func)]
    assert len(calls) == sum(is_mark(each) for each in ast.walk(node)), ast.unparse(node)
    numbers = []
    for call in calls:
        match call:
            case ast.Call(args=[ast.Constant(value=int(number))], keywords=[]):
                numbers.append(number)
            case _:
                raise AssertionError(f"one number, not {ast.unparse(call)}")
    return numbers


def functions_of_tests(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return the tests of a module, which has no classes of them."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [each for each in functions if each.name.startswith("test_")]


def marked_in(text: str) -> dict[int, int]:
    """Return how many tests of a module are marked, by the number."""
    tree = ast.parse(text)
    tests = functions_of_tests(tree)
    found: dict[int, int] = defaultdict(int)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            for number in numbers_in(node.value):
                found[number] += len(tests)
    for test in tests:
        for decorator in test.decorator_list:
            for number in numbers_in(decorator):
                found[number] += 1
    return found


@cache
def marked() -> dict[int, set[str]]:
    """Return the modules that have marked tests, by the number."""
    found: dict[int, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, tests in marked_in(file.read_text()).items():
            if tests:
                found[number].add(file.relative_to(ROOT).as_posix())
    return dict(found)


def test_only_documented_numbers_are_used() -> None:
    assert set(marked()) <= set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_invariant_has_tests_and_links_to_each_module_of_them(number: int) -> None:
    modules = marked().get(number)
    assert modules, "no test is marked with this number"
    assert documented()[number] == modules


def test_marks_of_a_module_a_decorator_and_a_case_are_found() -> None:
    text = (
        "pytestmark = [pytest.mark.limits(), pytest.mark.invariant(3)]\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.invariant(5))])\n"
        "@pytest.mark.invariant(4)\n"
        "def test_one(): ...\n"
        "def test_two(): ...\n"
    )
    assert marked_in(text) == {3: 2, 4: 1, 5: 1}


@pytest.mark.parametrize("arguments", ["", "()", "(1, 2)", "('1')", "(number=1)"])
def test_mark_without_one_number_is_refused(arguments: str) -> None:
    with pytest.raises(AssertionError):
        marked_in(f"@pytest.mark.invariant{arguments}\ndef test_one(): ...\n")
