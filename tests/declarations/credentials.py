"""`python -m tests.declarations.credentials [folder]`: search every file for credentials.

git lists the files, those too that are not committed yet. Without git, or outside of a clone, it is
every file that `.gitignore` does not name. A search that finds no file fails.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from detect_secrets import pre_commit_hook

ROOT = Path(__file__).resolve().parent.parent.parent
_HASHES_AND_PICTURES = re.compile(r"(requirements.*\.txt|\.png)$")
_OPTIONS = (
    "--no-verify",  # what looks like a credential is not sent to its service
    # Guesses by entropy would flag every hash and test value.
    *("--disable-plugin", "KeywordDetector"),
    *("--disable-plugin", "Base64HighEntropyString"),
    *("--disable-plugin", "HexHighEntropyString"),
)


def files(root: Path) -> list[str]:
    """List the files to search, relative to the root of the project."""
    names = _listed_by_git(root)
    if names is None:
        names = list(_not_ignored(root))
    return sorted(
        name
        for name in names
        if not _HASHES_AND_PICTURES.search(name)
        and (root / name).is_file()
        and not (root / name).is_symlink()
    )


def main(root: Path = ROOT) -> int:
    """Search, and print what looks like a credential: 0 if nothing does, 1 otherwise."""
    found = files(root)
    if not found:
        print(f"No file to search for credentials in {root}.", file=sys.stderr)
        return 1
    os.chdir(root)
    code = pre_commit_hook.main([*_OPTIONS, *found])
    if code == 0:
        print(f"No credentials in {len(found)} files.")
    return code


def _listed_by_git(root: Path) -> list[str] | None:
    """Return None if git is missing, fails, or belongs to a folder above the project."""
    if not (root / ".git").exists():
        return None
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name] or None


def _not_ignored(root: Path) -> Iterator[str]:
    """Walk through the folders. `.gitignore` has only names, and paths from the root."""
    lines = (root / ".gitignore").read_text().split() if (root / ".gitignore").exists() else []
    ignored = [".git", *(line.rstrip("/") for line in lines)]

    def is_ignored(path: Path) -> bool:
        relative = path.relative_to(root).as_posix()
        return any(fnmatch(relative if "/" in one else path.name, one) for one in ignored)

    for folder, folders, names in root.walk():
        folders[:] = [name for name in folders if not is_ignored(folder / name)]
        for name in names:
            if not is_ignored(folder / name):
                yield (folder / name).relative_to(root).as_posix()


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
