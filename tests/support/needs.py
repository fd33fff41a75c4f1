"""Programs that a machine may lack, but not CI: REQUIRE_ALL=1 turns a skip into a failure."""

import os
import shutil
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip the test for this reason, or fail it if REQUIRE_ALL is set."""
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"REQUIRE_ALL is set, and {reason}")
    pytest.skip(reason)


def chromium() -> str:
    """Find Chromium, and return its path."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or lacking("Chromium is not installed (Debian: apt-get install chromium)")
