"""The direction of imports, in the whole tree: each package imports only those below it.

`functions` and `provision` stand on `shared`. `local` stands on all three, and nothing that is
deployed stands on `local`. So a Lambda artifact holds one function and `shared`, and a newcomer
reads a package without the ones above it.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = frozenset(path.parent.name for path in ROOT.glob("*/__init__.py"))
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/__init__.py"))

ALLOWED = {
    "shared": {"shared"},
    "provision": {"provision", "shared"},
    "local": {"local", "provision", "shared", "functions"},
    "harness": {"harness", "local", "shared", "functions"},
    "bench": {"bench", "harness", "local", "shared", "functions"},
}
"""What a package may import of this tree. A function has a test of its own below."""
AWS = {"boto3", "botocore"}
AWS_MODULES = {"shared/store/dynamodb.py", "shared/store/revocation_queue.py"}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: what is imported, and where."""

    name: str
    file: str
    line: int
    only_for_types: bool

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"


def imports_of(folder: str) -> list[Import]:
    """Return every import below a folder, inside functions and for types too."""
    return [
        found
        for path in sorted((ROOT / folder).rglob("*.py"))
        for found in _imports(path.read_text(), path.relative_to(ROOT))
    ]


def _imports(source: str, file: Path) -> Iterator[Import]:
    tree = ast.parse(source)
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for name in _names(node, file):
            yield Import(name, file.as_posix(), node.lineno, id(node) in for_types)  # type: ignore[attr-defined]


def _names(node: ast.AST, file: Path) -> list[str]:
    """Return the modules that a statement imports: `from a import b` may import `a.b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parents = file.parts[: -node.level] if node.level else ()
    module = ".".join([*parents, *([node.module] if node.module else [])])
    return [f"{module}.{alias.name}" for alias in node.names]


def listed(found: list[Import]) -> str:
    return "\n".join(map(str, found))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_packages_below_it(package: str) -> None:
    found = imports_of(package)
    assert any(one.package == package for one in found)
    wrong = [one for one in found if one.package in PACKAGES - ALLOWED[package]]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_shared_and_no_other_function(function: str) -> None:
    own = f"functions.{function}"
    wrong = [
        one
        for one in imports_of(f"functions/{function}")
        if one.package in PACKAGES - {"shared"} and not f"{one.name}.".startswith(f"{own}.")
    ]
    assert not wrong, listed(wrong)


def test_the_stand_in_for_microsoft_imports_nothing_of_the_one_for_logto() -> None:
    wrong = [one for one in imports_of("local/microsoft") if one.name.startswith("local.logto")]
    assert not wrong, listed(wrong)


def test_the_smoke_function_needs_no_layer() -> None:
    """It is deployed without one: boto3 is part of Lambda's runtime."""
    known = {"functions", "boto3", *sys.stdlib_module_names}
    wrong = [one for one in imports_of("functions/smoke") if one.package not in known]
    assert not wrong, listed(wrong)


def test_examples_import_nothing_of_this_tree() -> None:
    """They are copied into applications of others."""
    wrong = [one for one in imports_of("examples") if one.package in PACKAGES]
    assert not wrong, listed(wrong)


def test_one_module_imports_the_logto_sdk() -> None:
    found = [
        one
        for package in ("functions", "shared", "provision", "local")
        for one in imports_of(package)
        if one.package == "logto" and not one.only_for_types
    ]
    assert {one.file for one in found} == {"shared/oidc/sdk.py"}, listed(found)


def test_only_the_store_imports_the_aws_sdk_in_shared() -> None:
    wrong = [
        one for one in imports_of("shared") if one.package in AWS and one.file not in AWS_MODULES
    ]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import local.table", ["local.table"]),
        ("from local import table, ports", ["local.table", "local.ports"]),
        ("def f():\n    from local.table import REGION", ["local.table.REGION"]),
        ("from . import files", ["provision.cli.files"]),
        ("from ..files import read_env", ["provision.files.read_env"]),
    ],
)
def test_every_form_of_import_is_found(source: str, names: list[str]) -> None:
    found = list(_imports(source, Path("provision/cli/setup.py")))
    assert [one.name for one in found] == names
    assert str(found[0]).startswith(f"provision/cli/setup.py:{len(source.splitlines())} imports ")
