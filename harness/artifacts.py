"""Artifacts as `sam build` makes them, and the runtime's client that Lambda's image contains."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from harness.missing import ProgramMissing
from local.options import ROOT


def processor() -> str:
    """Name this machine's processor as Lambda does."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def sam_build(folder: Path, *, template: Path | None = None, architecture: str = "") -> Path:
    """Run plain `sam build` into a folder: it makes one folder a function, and the layer's.

    Raises ProgramMissing.
    """
    scripts = Path(sys.executable).parent
    if not (scripts / "sam").exists():
        raise ProgramMissing("the SAM CLI is not installed")
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("python3.13", path=path) is None:
        raise ProgramMissing("`sam build` finds no python3.13 on the PATH")
    subprocess.run(  # noqa: S603 - the SAM CLI of this environment
        [
            *(str(scripts / "sam"), "build", "--build-dir", str(folder), "--no-cached"),
            *("--parameter-overrides", f"Architecture={architecture or processor()}"),
            *(("--template", str(template)) if template else ()),
        ],
        cwd=template.parent if template else ROOT,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
        check=True,
        capture_output=True,
    )
    return folder


def link_runtime_client(folder: Path) -> Path:
    """Link the runtime's client, and nothing else, into a folder, as Lambda's image has it."""
    names = ("awslambdaric", "simplejson", "snapshot-restore-py")
    link_distributions(folder, names, metadata=False)
    return folder


def link_distributions(folder: Path, names: Iterable[str], *, metadata: bool = True) -> None:
    """Link installed distributions into a folder, which can then be the only one to import from.

    Without their metadata, programs cannot ask for their versions.
    """
    for name in names:
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top in ("..", "__pycache__") or (top.endswith(".dist-info") and not metadata):
                continue
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
