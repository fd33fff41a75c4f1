"""The requirements files are in step with `pyproject.toml`, and name no index or machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYER, DEVELOPMENT = ROOT / "shared/requirements.txt", ROOT / "requirements-dev.txt"
POLICIES = ROOT / "requirements-policies.txt"
SHIPPED = PROJECT["project"]["dependencies"]
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,-]+\])?==([^ ;\\]+)", re.M)


def pins(file: Path) -> dict[str, Version]:
    return {name: Version(version) for name, version in _PIN.findall(file.read_text())}


@pytest.mark.parametrize(
    ("file", "declared"),
    [
        (LAYER, SHIPPED),
        (DEVELOPMENT, SHIPPED + PROJECT["dependency-groups"]["dev"]),
        (POLICIES, PROJECT["dependency-groups"]["policies"]),
    ],
)
def test_every_declared_dependency_is_pinned_within_its_range(
    file: Path, declared: list[str]
) -> None:
    locked = pins(file)
    for text in declared:
        requirement = Requirement(text)
        assert locked[requirement.name] in requirement.specifier, text


def test_layer_ships_what_was_developed_with() -> None:
    layer, development = pins(LAYER), pins(DEVELOPMENT)
    assert {name: development.get(name) for name in layer} == layer


def test_layer_ships_no_tool() -> None:
    tools = {Requirement(text).name for text in PROJECT["dependency-groups"]["dev"]}
    assert not tools & set(pins(LAYER))


@pytest.mark.parametrize("file", [LAYER, DEVELOPMENT, POLICIES])
def test_every_pin_has_hashes_and_nothing_else_is_in_the_file(file: Path) -> None:
    entries = re.split(r"(?m)^(?=[a-z0-9])", file.read_text())[1:]
    assert len(entries) == len(pins(file))
    for entry in entries:
        first, *rest = entry.strip().replace("\\\n", "").split("\n")
        words = first.split()
        hashes = [word for word in words if word.startswith("--hash=sha256:")]
        assert hashes, entry
        assert not [line for line in rest if line.strip()]


def test_what_is_installed_is_compared_with_its_hashes() -> None:
    installs = re.findall(r"pip install.*", (ROOT / "Makefile").read_text())
    assert installs
    assert all("--require-hashes" in line for line in installs)


def test_check_runs_security_rules_and_a_scan_for_credentials() -> None:
    assert "S" in PROJECT["tool"]["ruff"]["lint"]["select"]
    check = (ROOT / "Makefile").read_text().partition("\ncheck: ")[2].partition("\n\n")[0]
    assert "ruff check ." in check
    assert "detect_secrets.pre_commit_hook" in check


@pytest.mark.parametrize("file", [LAYER, DEVELOPMENT, POLICIES])
def test_no_index_and_no_path(file: Path) -> None:
    text = file.read_text()
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(-i|--index-url|--extra-index-url|-f|--find-links|-e)\b", text)
    assert "/" not in re.sub(r"--hash=\S+", "", text)
