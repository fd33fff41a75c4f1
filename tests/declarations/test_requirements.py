"""The requirements files are in step with `pyproject.toml`, and name no index or machine."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.declarations.test_imports import imports_of

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYER, DEVELOPMENT = ROOT / "shared/requirements.txt", ROOT / "requirements-dev.txt"
LOCAL, POLICIES = ROOT / "requirements-local.txt", ROOT / "requirements-policies.txt"
FILES = [LAYER, LOCAL, DEVELOPMENT, POLICIES]
SHIPPED = PROJECT["project"]["dependencies"]
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,-]+\])?==([^ ;\\]+)", re.M)


def group(name: str) -> list[str]:
    """Return what a dependency group of `pyproject.toml` declares, with the groups it includes."""
    return [
        text
        for entry in PROJECT["dependency-groups"][name]
        for text in ([entry] if isinstance(entry, str) else group(entry["include-group"]))
    ]


def entries(file: Path) -> dict[str, str]:
    """Return the entries of a requirements file, with their hashes, by name."""
    found = re.split(r"(?m)^(?=[a-z0-9])", file.read_text())[1:]
    return {entry.partition("==")[0].partition("[")[0]: entry for entry in found}


def pins(file: Path) -> dict[str, Version]:
    return {name: Version(version) for name, version in _PIN.findall(file.read_text())}


@pytest.mark.parametrize(
    ("file", "declared"),
    [
        (LAYER, SHIPPED),
        (LOCAL, SHIPPED + group("local")),
        (DEVELOPMENT, SHIPPED + group("dev")),
        (POLICIES, group("policies")),
    ],
)
def test_every_declared_dependency_is_pinned_within_its_range(
    file: Path, declared: list[str]
) -> None:
    locked = pins(file)
    for text in declared:
        requirement = Requirement(text)
        assert locked[requirement.name] in requirement.specifier, text


@pytest.mark.parametrize("file", [LAYER, LOCAL])
def test_smaller_file_is_a_part_of_the_larger_one(file: Path) -> None:
    """The layer ships what was developed with; `make test` adds to what `make up` installed."""
    smaller, development = pins(file), pins(DEVELOPMENT)
    assert {name: development.get(name) for name in smaller} == smaller
    hashes = {name: set(_HASH.findall(entry)) for name, entry in entries(DEVELOPMENT).items()}
    for name, entry in entries(file).items():
        assert set(_HASH.findall(entry)) == hashes[name], name


def test_layer_is_a_part_of_what_serving_needs() -> None:
    assert set(pins(LAYER)) <= set(pins(LOCAL))


def test_local_file_pins_every_package_that_the_stack_and_provision_import() -> None:
    """The modules of `local` that build artifacts run with the tools for builds."""
    building = {
        f"local/{name}.py" for name in ("artifacts", "containers", "sam", "sbom", "unused_packages")
    }
    imported = {
        found.package
        for folder in ("local", "provision", "functions", "shared")
        for found in imports_of(folder)
        if not found.only_for_types and found.file not in building
    }
    known = packages_distributions()
    needed = {canonicalize_name(name) for package in imported for name in known.get(package, ())}
    assert {"boto3", "fastapi", "moto", "typer", "uvicorn"} <= needed
    # Lambda's runtime brings the hooks of SnapStart; a namespace package belongs to several.
    assert needed - set(pins(LOCAL)) <= {"snapshot-restore-py"}


def test_layer_ships_no_tool() -> None:
    tools = {Requirement(text).name for text in group("dev")}
    # The web framework needs `idna` too, by way of anyio.
    assert tools & set(pins(LAYER)) == {"idna"}


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_hashes_and_nothing_else_is_in_the_file(file: Path) -> None:
    found = entries(file)
    assert set(found) == set(pins(file))
    for entry in found.values():
        first, *rest = entry.strip().replace("\\\n", "").split("\n")
        words = first.split()
        hashes = [word for word in words if word.startswith("--hash=sha256:")]
        assert hashes, entry
        assert not [line for line in rest if line.strip()]


def test_what_is_installed_is_compared_with_its_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (options,) = re.findall(r"pip install.*", makefile)
    assert "--require-hashes" in options
    assert "-r requirements" in makefile


def test_check_runs_security_rules_and_a_scan_for_credentials() -> None:
    assert "S" in PROJECT["tool"]["ruff"]["lint"]["select"]
    check = (ROOT / "Makefile").read_text().partition("\ncheck: ")[2].partition("\n\n")[0]
    assert "ruff check ." in check
    assert "tests.declarations.credentials" in check


@pytest.mark.parametrize("file", FILES)
def test_no_index_and_no_path(file: Path) -> None:
    text = file.read_text()
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(-i|--index-url|--extra-index-url|-f|--find-links|-e)\b", text)
    assert "/" not in re.sub(r"--hash=\S+", "", text)
