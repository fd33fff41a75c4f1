"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from shared import errors

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / target).exists(), target
    for path in re.findall(
        r"`((?:tests|shared|functions|local|harness|provision|bench|events|docs)/[\w./-]+)`", text
    ):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets(document: Path) -> None:
    targets = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.M)
    for name in re.findall(r"`make ([a-z-]+)", document.read_text()):
        assert name in targets or name.startswith("invoke-"), name


def test_every_reason_that_operators_are_told_of_exists() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    slugs = {getattr(kind, "error", None) for kind in vars(errors).values()}
    for reason in re.findall(r"^\| `([a-z_]+)` \|", text, re.M):
        assert reason in slugs, reason
