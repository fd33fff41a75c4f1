"""The brand on the pages."""

from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from functions.auth.pages.colour import text_on
from functions.auth.pages.text import initials

DEFAULT_ACCENT = "#2f5bd7"


@dataclass(frozen=True, kw_only=True, slots=True)
class Brand:
    """A name, a logo's https URL, and an accent as `#rrggbb`, which the settings have checked."""

    name: str
    logo_url: str | None = None
    accent: str | None = None

    @property
    def colour(self) -> str:
        return self.accent or DEFAULT_ACCENT

    @property
    def monogram(self) -> str:
        """The letter that replaces a missing logo, or an empty text."""
        return (initials(self.name) or "")[:1]

    @property
    def icon(self) -> str:
        """A `data:` URL for the browser's tab; without it, browsers would request /favicon.ico."""
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
            f'<rect width="32" height="32" rx="8" fill="{self.colour}"/>'
            '<text x="16" y="22.5" text-anchor="middle" font-family="system-ui,sans-serif" '
            f'font-size="18" font-weight="600" fill="{text_on(self.colour)}">'
            f"{escape(self.monogram)}</text></svg>"
        )
        return f"data:image/svg+xml,{quote(svg)}"
