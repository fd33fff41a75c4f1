"""Promises: each one of two documents names the tests that show it.

A row of a table names them in its last column, `tests`. Text names them too, unless it introduces a
table or the document. `[hostile/session]` is the name of `tests/hostile/test_session.py`.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = ("docs/security.md", "docs/ending.md")
LINK = re.compile(r"\[([a-z]+/[a-z_]+)\](?![:\w])")
DEFINITION = re.compile(r"(?m)^\[([a-z]+/[a-z_]+)\]: (\S+)$")
NOT_OFFERED = "| no: "
"""How a row says that something is not done: there is nothing to test."""


def sections(text: str) -> dict[str, str]:
    """Return the text below each heading, without the definitions of links."""
    parts = re.split(r"(?m)^(#+ .+)$", DEFINITION.sub("", text))[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def tables(text: str) -> list[list[str]]:
    """Return the tables of a section, each with its header and its rows."""
    found = re.findall(r"(?m)(?:^\|.*\n)+", f"{text}\n")
    return [[row for row in table.splitlines() if not row.startswith("|---")] for table in found]


def last_cell(row: str) -> str:
    return row.strip().strip("|").rsplit("|", 1)[-1].strip()


def unproven(text: str) -> list[str]:
    """Return the rows and headings that name no test."""
    found = []
    for heading, section in sections(text).items():
        every = tables(section)
        with_tests = [table for table in every if last_cell(table[0]) == "tests"]
        for _, *rows in with_tests:
            assert rows
            found += [r for r in rows if not LINK.search(last_cell(r)) and NOT_OFFERED not in r]
        promised = re.split(r"(?m)^\|.*\n", f"{section}\n")[-1].strip()
        needs_tests = bool(promised) or len(with_tests) < len(every)
        if needs_tests and not heading.startswith("# ") and not LINK.search(promised):
            found.append(heading)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_row_and_section_names_its_tests(name: str) -> None:
    assert unproven((ROOT / name).read_text()) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_names_lead_to_the_tests_that_they_name(name: str) -> None:
    text = (ROOT / name).read_text()
    defined = dict(DEFINITION.findall(text))
    used = set(re.findall(r"\[([a-z]+/[a-z_]+)\](?![(:])", text))
    assert set(defined) == used
    for label, target in defined.items():
        folder, file = label.split("/")
        assert target == f"../tests/{folder}/test_{file}.py"
        assert (ROOT / name).parent.joinpath(target).is_file(), target


@pytest.mark.parametrize(
    "text",
    [
        "## A promise\nWe do this.\n",
        "## A table\n| what | tests |\n|---|---|\n| one | [unit/one] |\n| two | |\n",
        "## A table\n| what | how |\n|---|---|\n| one | [unit/one] |\n",
        "## A table\nTwo: [unit/two]\n| what | tests |\n|---|---|\n| one | see above |\n",
        "## A table\n| what | tests |\n|---|---|\n| one | [unit/one] |\n\nAnd we do that.\n",
        "## Another\nWe do this.\n[unit/one]: ../tests/unit/test_one.py\n",
    ],
)
def test_promise_without_a_test_is_found(text: str) -> None:
    assert len(unproven(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# Title\nWhat this is about.\n## A promise\nWe do this. Tests: [unit/one]\n",
        "## A table\nHow to read it.\n| what | tests |\n|---|---|\n| one | [unit/one] |\n",
        "## A table\n| what | how |\n|---|---|\n| one | so |\n\nTests: [unit/one](../one.py)\n",
        "## A table\n| what | here | tests |\n|---|---|---|\n| one | no: not offered | |\n",
    ],
)
def test_promise_with_its_tests_is_accepted(text: str) -> None:
    assert unproven(text) == []
