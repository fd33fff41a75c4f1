"""Provide the two stylesheets: a common one, and a small one with the brand's accent."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from functions.auth.pages.brand import Brand
from functions.auth.pages.colour import away_from_text, readable_on, text_on

LIGHT, DARK = "#f4f5f7", "#191d24"
"""Backgrounds of accent-coloured text in `style.css`: of each scheme, the one of less contrast."""


@cache
def style_css() -> str:
    """Return the common stylesheet."""
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


@cache
def accent_css(brand: Brand) -> str:
    """Return the custom properties that depend on the accent, readable in both colour schemes."""
    accent = brand.colour
    return (
        f":root{{--accent:{accent};--accent-strong:{away_from_text(accent)};"
        f"--on-accent:{text_on(accent)};--accent-ink:{readable_on(LIGHT, accent)}}}\n"
        "@media (prefers-color-scheme:dark){"
        f":root{{--accent-ink:{readable_on(DARK, accent)}}}}}\n"
    )


@cache
def version(sheet: str) -> str:
    """Return a version that changes with a stylesheet, so that its URL is cacheable forever."""
    return sha256(sheet.encode()).hexdigest()[:12]
