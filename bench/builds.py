"""Build what is measured: this product and its rivals, for one processor."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from harness.artifacts import sam_build
from local.artifacts import Size, finish, sizes

RIVALS: Final = Path(__file__).resolve().parent / "rivals"
_EXPRESS: Final = RIVALS / "express-openid-connect"


@dataclass(frozen=True, kw_only=True, slots=True)
class Builds:
    """Folders with artifacts. `express` is None if npm could not install it; `notes` say why."""

    plain: Path
    finished: Path
    tutorial: Path
    tutorial_compiled: Path
    empty: Path
    one_read: Path
    express: Path | None
    notes: tuple[str, ...]


def build_all(folder: Path) -> Builds:
    """Build all subjects for this machine's processor."""
    plain = sam_build(folder / "plain")
    finished = folder / "finished"
    shutil.copytree(plain, finished)
    finish(finished)
    tutorial = _tutorial(folder / "tutorial-source", folder / "tutorial")
    compiled = folder / "tutorial-compiled"
    shutil.copytree(tutorial, compiled)
    _compile(compiled)
    empty, one_read = folder / "empty", folder / "one_read"
    for small in (empty, one_read):
        shutil.copytree(RIVALS / small.name, small)
        _compile(small)
    express, note = _express(folder / "express")
    return Builds(
        plain=plain,
        finished=finished,
        tutorial=tutorial,
        tutorial_compiled=compiled,
        empty=empty,
        one_read=one_read,
        express=express,
        notes=(note,) if note else (),
    )


def sizes_for(folder: Path, architecture: str) -> dict[str, Size]:
    """Build for a processor, this machine's or another, and measure the finished artifacts."""
    built = sam_build(folder / architecture, architecture=architecture)
    finish(built)
    return sizes(built)


def _tutorial(source: Path, out: Path) -> Path:
    """Build the tutorial by plain `sam build`, with the same releases that this product ships."""
    shutil.copytree(RIVALS / "tutorial", source)
    names = (source / "requirements.in").read_text().split()
    pins = [*names, "pydantic", "starlette", "aiohttp", "pyjwt", "cryptography", "botocore"]
    lines = [f"{name}=={version(name)}\n" for name in pins]
    (source / "requirements.txt").write_text("".join(lines))
    (source / "requirements.in").unlink()
    return sam_build(out, template=source / "template.yaml") / "Tutorial"


def _compile(folder: Path) -> None:
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, str(folder)], check=False, capture_output=True)  # noqa: S603


def _express(folder: Path) -> tuple[Path | None, str]:
    """Install the Node rival by npm: its folder if that worked, and a note."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None, "express-openid-connect is left out: Node or npm is not installed"
    shutil.copytree(_EXPRESS, folder)
    command = [npm, "install", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(  # noqa: S603 - npm of this machine
            command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return None, "express-openid-connect is left out: npm install took too long"
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[:1]
        return None, f"express-openid-connect is left out: npm install failed {reason}"
    return (
        folder,
        "express-openid-connect runs on a runtime loop of its own (runtime.js): npm does not build "
        "the native part of aws-lambda-ric unasked",
    )
