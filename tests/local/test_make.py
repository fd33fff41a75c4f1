"""What the Makefile installs, when, and where, with a Python that only notes its calls."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.up import ROOT

PYTHON = """#!/bin/sh
{ echo "$@"; env | grep ^PIP_ | sort; } >> "$CALLS"
if [ "$1 $2 $3" = "-m venv --clear" ]; then
    rm -rf "$4"
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
fi
"""
LOCAL, DEV = "requirements-local.txt", "requirements-dev.txt"
NEW = "-m venv --clear .venv"


class Clone:
    """A fresh clone with the Makefile, in which `make` finds only a Python that notes its calls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "clone"
        self._calls = folder / "calls"
        self._path = folder / "bin"
        self._folder.mkdir()
        self._path.mkdir()
        for name in ("Makefile", LOCAL, DEV, "requirements-policies.txt"):
            shutil.copy(ROOT / name, self._folder)
        python = self._path / "python3.13"
        python.write_text(PYTHON)
        python.chmod(0o755)

    def make(self, target: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """Run `make` with a target, and return what Python was called with, line by line."""
        self._calls.write_text("")
        environment = {
            "PATH": f"{self._path}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(self._calls),
            **(variables or {}),
        }
        done = subprocess.run(
            ["make", target], cwd=self._folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [line for line in self._calls.read_text().splitlines() if not line.startswith("-c")]

    def change(self, name: str) -> None:
        """Give a file a time after everything that has been made so far."""
        later = time.time() + 60
        os.utime(self._folder / name, (later, later))

    def remove(self, name: str) -> None:
        (self._folder / name).unlink()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def steps(calls: list[str]) -> list[str]:
    """Shorten the calls to the environments that were made and the files that were installed."""
    return [
        NEW if call == NEW else call.rpartition(" -r ")[2]
        for call in calls
        if call == NEW or " -r " in call
    ]


def test_up_installs_only_what_serving_needs_and_only_once(clone: Clone) -> None:
    first = clone.make("up")
    assert steps(first) == [NEW, LOCAL]
    assert first[-1] == "-m local"
    assert steps(clone.make("up")) == []


def test_tests_add_their_tools_to_what_up_installed(clone: Clone) -> None:
    clone.make("up")
    assert steps(clone.make("test")) == [DEV]
    assert steps(clone.make("test")) == []
    assert steps(clone.make("up")) == []


def test_tests_in_a_fresh_clone_install_everything_at_once(clone: Clone) -> None:
    assert steps(clone.make("test")) == [NEW, DEV]
    assert steps(clone.make("up")) == []


def test_changed_tools_make_the_environment_again_for_tests_alone(clone: Clone) -> None:
    clone.make("test")
    clone.change(DEV)
    assert steps(clone.make("up")) == []
    assert steps(clone.make("test")) == [NEW, DEV]


def test_changed_packages_of_the_stack_make_the_environment_again(clone: Clone) -> None:
    clone.make("test")
    for name in (LOCAL, DEV):
        clone.change(name)
    assert steps(clone.make("up")) == [NEW, LOCAL]
    assert steps(clone.make("test"))[-1] == DEV


def test_up_takes_the_environment_of_an_earlier_release_as_it_is(clone: Clone) -> None:
    clone.make("test")
    clone.remove(".venv/.serving")
    assert steps(clone.make("up")) == []


@pytest.mark.parametrize("target", ["up", "test", ".venv/policies/.installed"])
def test_settings_of_pip_do_not_lead_elsewhere(clone: Clone, target: str) -> None:
    names = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN")
    elsewhere = dict.fromkeys(names, "elsewhere")
    kept = {"PIP_INDEX_URL": "https://mirror.example.test/simple"}
    calls = clone.make(target, {**elsewhere, **kept, "PIP_USER": "1"})
    installs = [number for number, call in enumerate(calls) if " pip install " in call]
    assert len(installs) == (2 if "policies" in target else 1)
    for number in installs:
        assert " --no-user " in calls[number]
        assert calls[number + 1] == "PIP_INDEX_URL=https://mirror.example.test/simple"
        assert calls[number + 2] == "PIP_USER=1"  # the option takes precedence
        assert len(calls) == number + 3 or not calls[number + 3].startswith("PIP_")
