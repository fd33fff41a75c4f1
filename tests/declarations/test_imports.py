"""The direction of imports between what is deployed, what runs on a laptop, and what tests it."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ALLOWED = {
    "functions/smoke": {"functions"},
    "local/microsoft": {"local"},
    "local": {"functions", "local", "provision", "shared"},
    "harness": {"functions", "harness", "local", "shared"},
    "bench": {"bench", "functions", "harness", "local", "shared"},
}
"""The packages of this project that each may import; a rule for a folder covers those below."""
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"functions", "shared"}


def imported(file: Path) -> set[str]:
    """List the modules that a file imports, also those within functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_package_imports_only_what_it_may(folder: str) -> None:
    files = [file for file in (ROOT / folder).rglob("*.py") if "rivals" not in file.parts]
    assert files
    for file in files:
        tops = {name.partition(".")[0] for name in imported(file)} & PACKAGES
        assert tops <= ALLOWED[folder], file


def test_stand_in_for_microsoft_knows_nothing_of_the_one_for_logto() -> None:
    for file in (ROOT / "local/microsoft").glob("*.py"):
        assert not [name for name in imported(file) if name.startswith("local.logto")], file


def test_smoke_function_needs_no_layer() -> None:
    """It is deployed without one: boto3 is part of Lambda's runtime."""
    for file in (ROOT / "functions/smoke").glob("*.py"):
        tops = {name.partition(".")[0] for name in imported(file)}
        assert tops - sys.stdlib_module_names <= {"functions", "boto3"}, file


@pytest.mark.parametrize("package", ["functions", "shared", "local", "provision", "edge"])
def test_only_tests_and_the_bench_import_the_harness(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        tops = {name.partition(".")[0] for name in imported(file)}
        assert not tops & {"harness", "tests", "bench"}, file
