"""The functions of the template, and programs that run with nothing but their artifacts."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from harness.rie import Function, emulated
from local.template import functions_of, read_template

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCTIONS: dict[str, dict[str, Any]] = functions_of(read_template(ROOT / "template.yaml"))
_SETTINGS = {
    "LOGTO_ENDPOINT": "https://tenant.logto.app",
    "LOGTO_APP_ID": "app",
    "LOGTO_APP_SECRET": "secret",
    "TABLE_NAME": "table",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def files(folder: Path) -> set[str]:
    """List the files of a folder, relative to it."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def folders_of(artifacts: Path, name: str) -> tuple[str, str]:
    """The folders that Lambda puts on the path for a function: its own, and the layer's."""
    return str(artifacts / name), str(artifacts / "SharedLayer/python")


def emulated_function(
    name: str, artifacts: Path, client: Path, variables: Mapping[str, str]
) -> AbstractContextManager[Function]:
    """Run a built function in the emulator while the context lasts."""
    code, layer = (Path(folder) for folder in folders_of(artifacts, name))
    return emulated(FUNCTIONS[name]["Handler"], code, layer, client, variables)


def sample(name: str) -> dict[str, Any]:
    """Read a sample event."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def output_of(program: str, *folders: str) -> str:
    """Run a program that can import only from these folders, with settings; what it prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-I",
            "-S",
            "-c",
            f"import sys\nsys.path[:0] = {folders}\n{program}",
        ],
        env=_SETTINGS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
