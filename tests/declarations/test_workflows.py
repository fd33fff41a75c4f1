"""GitHub's workflows: what they run is what was reviewed, and nothing is skipped."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_actions_are_pinned_by_commit() -> None:
    """A tag can be moved to other code; the release stands beside the commit."""
    used = [
        line.strip()
        for workflow in WORKFLOWS
        for line in re.findall(r"uses:(.*)", workflow.read_text())
        if not line.strip().startswith("./")
    ]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w/.-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_no_test_is_skipped() -> None:
    check = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    assert all(str(job["env"]["REQUIRE_ALL"]) == "1" for job in check["jobs"].values())
