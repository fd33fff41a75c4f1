"""Finish what `sam build` has built: remove what no function reads, and add bytecode.

Lambda's code folders are read-only, so a function without bytecode compiles every module at every
cold start. The bytecode here is of the kind that is never compared with its source (PEP 552,
unchecked-hash): it holds however the archive changes the times of files. Both steps depend only on
the artifacts, so the same build gives the same bytes.
"""

import io
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.service_data import trim_service_data
from local.unused_packages import drop_unused

LAYER: Final = "SharedLayer"
_PLACES: Final = {True: "/opt/python", False: "/var/task"}
"""The folders into which Lambda unpacks a layer and a function, which tracebacks show."""
_SOURCES_AND_STUBS: Final = ("*.pyi", "py.typed", "*.pyx", "*.pxd", "*.pxi", "*.c", "*.h")
_OF_INSTALLERS: Final = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "top_level.txt", "zip-safe")
"""Files of `*.dist-info` to remove. METADATA, entry points and licences stay."""
_FOLDERS: Final = (
    "*-stubs",
    "*.data",
    "*.dist-info/sboms",
    "boto3/data",
    "boto3/examples",
    "**/tests",
    "**/test",
    "**/__pycache__",
)


class BuildIncomplete(Exception):
    """There are no artifacts to finish, or they do not compile; the text says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The size of an artifact in bytes, unpacked and as an archive."""

    unzipped: int
    zipped: int


def finish(build: Path) -> None:
    """Trim, compile and share what `sam build` has put into a folder. Raises BuildIncomplete."""
    for name, folder in code_folders(build).items():
        _trim(folder)
        _compile(folder, _PLACES[name == LAYER])
        _share(build / name)


def code_folders(build: Path) -> dict[str, Path]:
    """List the folders that modules are imported from: one a function, and the layer's."""
    layer = build / LAYER / "python"
    if not layer.is_dir():
        raise BuildIncomplete(f"{build} holds no artifacts of `sam build`")
    functions = sorted(p for p in build.iterdir() if p.is_dir() and p.name != LAYER)
    return {**{folder.name: folder for folder in functions}, LAYER: layer}


def sizes(build: Path) -> dict[str, Size]:
    """Measure each artifact. Lambda limits a function with its layers to 250 MB."""
    return {name: _size(build / name) for name in code_folders(build)}


def _trim(folder: Path) -> None:
    drop_unused(folder)  # first: it goes by what the installer has written down
    for pattern in _FOLDERS:
        for found in folder.glob(pattern):
            if found.is_dir():
                shutil.rmtree(found)
    for pattern in _SOURCES_AND_STUBS:
        for found in folder.rglob(pattern):
            found.unlink()
    for information in folder.glob("*.dist-info"):
        for name in _OF_INSTALLERS:
            (information / name).unlink(missing_ok=True)
    if (folder / "botocore/data").is_dir():
        trim_service_data(folder / "botocore/data")


def _compile(folder: Path, place: str) -> None:
    """Compile all modules in one process and one order, so that the same bytes come out."""
    command = [
        *(sys.executable, "-I", "-m", "compileall", "-q", "-f", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", place, str(folder)),
    ]
    done = subprocess.run(  # noqa: S603 - this interpreter itself
        command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildIncomplete(f"{folder} does not compile:\n{done.stdout}{done.stderr}")


def _share(folder: Path) -> None:
    """Let everybody read a folder: functions run as another user, whatever umask it was built with.

    Archives keep these modes.
    """
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink() or path == folder:
            runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runnable else 0o644)


def _size(folder: Path) -> Size:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, os.path.relpath(path, folder))
    return Size(unzipped=sum(path.stat().st_size for path in files), zipped=len(archive.getvalue()))
