"""Logto's own pages."""

from pathlib import Path
from typing import Final

from local.oauth.pages import pages_of

page: Final = pages_of(Path(__file__).parent / "templates")
"""Render a template: its name, its values, and perhaps a status."""
