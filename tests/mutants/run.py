"""Run the tests of each mutant in a copy of the tree that has it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.mutant import ROOT, Mutant

_COPIED = (
    *("functions", "shared", "local", "provision", "harness", "tests"),
    *("docs", "pyproject.toml", "template.yaml"),
)
_SECONDS = 900
"""The longest that the tests of one mutant may take."""

KILLED, SURVIVED = "killed", "SURVIVED"
UNTRIED, ENDLESS = "UNTRIED", "ENDLESS"
"""No test ran, or not to its end: nothing is shown."""


def run(mutants: Sequence[Mutant]) -> int:
    """Print what becomes of each mutant, and return how many are killed.

    Raises Misfit, and SystemExit if the tests fail without any mutant.
    """
    for mutant in mutants:
        mutant.changed((ROOT / mutant.file).read_text())
    workers, killed = os.cpu_count() or 1, 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            copies.put(_copy(Path(folder) / str(number)))
        _baseline(mutants, Path(folder) / "0")

        def attempt(mutant: Mutant) -> str:
            copy = copies.get()
            try:
                return _verdict(mutant, copy)
            finally:
                copies.put(copy)

        for mutant, verdict in zip(mutants, pool.map(attempt, mutants), strict=True):
            killed += verdict == KILLED
            print(f"{verdict:8}  {mutant.guard}", flush=True)
    return killed


def _copy(folder: Path) -> Path:
    """Copy what the tests need into a folder, and return it."""
    folder.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def _baseline(mutants: Sequence[Mutant], copy: Path) -> None:
    """Check that the tests pass while every guard is in its place: a failure then says something.

    Raises SystemExit.
    """
    whole = {file for mutant in mutants if not mutant.only for file in mutant.tests.split()}
    parts = {file for mutant in mutants for file in mutant.tests.split()} - whole
    words = {word for mutant in mutants for word in mutant.only.split()}
    for files, chosen in ((whole, set[str]()), (parts, words)):
        if files and (done := _pytest(copy, sorted(files), sorted(chosen))).returncode != 0:
            raise SystemExit(f"the tests fail without any mutant:\n{done.stdout[-4000:]}")


def _verdict(mutant: Mutant, copy: Path) -> str:
    """Return whether a test fails with the mutant in place."""
    file = copy / mutant.file
    text = file.read_text()
    file.write_text(mutant.changed(text))
    try:
        done = _pytest(copy, mutant.tests.split(), mutant.only.split(), seconds=_SECONDS)
    except subprocess.TimeoutExpired:
        return ENDLESS
    finally:
        file.write_text(text)
    return {0: SURVIVED, 1: KILLED}.get(done.returncode, UNTRIED)


def _pytest(
    copy: Path, files: Sequence[str], words: Sequence[str], *, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *files]
    if words:
        command += ["-k", " or ".join(words)]
    return subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
