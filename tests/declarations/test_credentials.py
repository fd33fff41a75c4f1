"""The search for credentials looks at every file, with git and without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.declarations.credentials import ROOT, files
from tests.support.needs import lacking

KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\n"
NAMES = (
    "a.py",
    "folder/b.md",
    "folder/with a space/c",
    "new\nline.txt",
    "日本.txt",
    ".github/d.yml",
)
IGNORED = (".venv/lib/e.py", "folder/__pycache__/f.pyc", ".env", "bench/results/results.json")
HOW = ("git", "no git program", "no clone", "within another clone")


@pytest.fixture(params=HOW)
def project(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with the ignored files of this one, as a clone or without git."""
    root = tmp_path / "project"
    for name in (*NAMES, *IGNORED):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("nothing to see\n")
    shutil.copy(ROOT / ".gitignore", root)
    (root / "link").symlink_to(tmp_path)
    if request.param == "git":
        if shutil.which("git") is None:
            lacking("git is not installed")
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        subprocess.run(["git", "add", "a.py", "folder"], cwd=root, check=True)
    elif request.param == "no git program":
        (root / ".git").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path))
    elif request.param == "within another clone":
        (tmp_path / ".git").mkdir()
    return root


def search(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.declarations.credentials", str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_every_file_is_searched_that_is_not_ignored(project: Path) -> None:
    assert files(project) == sorted((*NAMES, ".gitignore"))


def test_credential_is_found_in_any_file(project: Path) -> None:
    assert search(project).returncode == 0
    for name in NAMES:
        (project / name).write_text(KEY)
    done = search(project)
    assert done.returncode == 1
    for name in NAMES:
        assert name in done.stdout


def test_credential_in_an_ignored_file_is_the_developers_own(project: Path) -> None:
    for name in IGNORED:
        (project / name).write_text(KEY)
    done = search(project)
    assert (done.returncode, done.stdout) == (0, f"No credentials in {len(NAMES) + 1} files.\n")


def test_search_that_finds_no_file_fails(tmp_path: Path) -> None:
    done = search(tmp_path)
    assert done.returncode == 1
    assert "No file to search" in done.stderr


def test_search_of_this_project_without_git_leaves_out_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may take more: a developer can have told git to ignore further files."""
    with_git = files(ROOT)
    assert "template.yaml" in with_git
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert set(with_git) <= set(files(ROOT))


def test_patterns_of_gitignore_are_names_or_paths_from_the_root() -> None:
    """The walk without git understands no others."""
    for line in (ROOT / ".gitignore").read_text().splitlines():
        assert not line.startswith(("!", "#", "/"))
        assert "**" not in line
        assert "/" not in line.rstrip("/") or "*" not in line
