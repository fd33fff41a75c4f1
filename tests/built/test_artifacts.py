"""Artifacts of `sam build` contain everything that a function needs, and nothing else."""

import re
from pathlib import Path

import pytest

from tests.built.artifacts import FUNCTIONS, ROOT, files, folders_of, output_of

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Lambda's limit for a function and its layers together."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_contains_only_its_own_package(plain: Path, name: str) -> None:
    code = ROOT / FUNCTIONS[name]["CodeUri"]
    expected = {
        str(path.relative_to(ROOT))
        for path in code.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files(plain / name) == expected


def test_layer_contains_shared_and_the_locked_dependencies(plain: Path) -> None:
    layer = plain / "SharedLayer" / "python"
    shared = {f for f in files(layer) if f.startswith("shared/")}
    assert shared == {
        str(path.relative_to(ROOT))
        for path in (ROOT / "shared").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    installed = {path.name.removesuffix(".dist-info") for path in layer.glob("*.dist-info")}
    everywhere = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+) \\$",
        (ROOT / "shared/requirements.txt").read_text(),
        re.M,
    )
    assert len(everywhere) > 10
    names = {f"{name.replace('-', '_')}-{version}" for name, version in everywhere}
    assert names <= {name.lower() for name in installed}
    assert not {"moto", "pytest", "local", "harness", "tests"} & {
        path.name for path in layer.iterdir()
    }


def test_function_with_the_layer_fits_into_lambda(artifacts: Path) -> None:
    for name in FUNCTIONS:
        folders = (artifacts / name, artifacts / "SharedLayer")
        size = sum(p.stat().st_size for folder in folders for p in folder.rglob("*") if p.is_file())
        assert size < UNZIPPED_LIMIT


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_imports_only_from_the_artifacts(artifacts: Path, name: str) -> None:
    module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
    program = (
        "import importlib\n"
        f"handler = getattr(importlib.import_module({module!r}), {function!r})\n"
        "assert callable(handler)\n"
        "places = {getattr(m, '__file__', None) or '' for m in list(sys.modules.values())}\n"
        f"foreign = [p for p in places if {str(ROOT)!r} in p]\n"
        "assert not foreign, foreign\n"
    )
    output_of(program, *folders_of(artifacts, name))
