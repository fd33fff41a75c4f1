"""The artifacts of `sam build`, made once for this machine's processor."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.support.needs import lacking

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder: one folder a function, and `SharedLayer/python`."""
    scripts = Path(sys.executable).parent
    if not (scripts / "sam").exists():
        lacking("the SAM CLI is not installed")
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("python3.13", path=path) is None:
        lacking("`sam build` finds no python3.13 on the PATH")
    arm = platform.machine().lower() in ("arm64", "aarch64")
    build = tmp_path_factory.mktemp("build")
    subprocess.run(
        [
            *(str(scripts / "sam"), "build", "--build-dir", str(build / "out"), "--no-cached"),
            *("--parameter-overrides", f"Architecture={'arm64' if arm else 'x86_64'}"),
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
        check=True,
        capture_output=True,
    )
    return build / "out"


@pytest.fixture(scope="session")
def runtime_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime's client alone, as Lambda's image has it."""
    folder = tmp_path_factory.mktemp("client")
    for name in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for file in distribution(name).files or ():
            top = file.parts[0]
            if not top.endswith(".dist-info") and top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder
