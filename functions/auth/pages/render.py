"""Render the pages as HTML. Templates escape every value."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from functions.auth.pages.brand import Brand
from functions.auth.pages.sheets import accent_css, style_css, version
from functions.auth.pages.text import machine_time, readable_time
from functions.auth.pages.views import Action, HomeView
from shared.parsing.plain_text import plain_text

if TYPE_CHECKING:
    from jinja2 import Environment


def render_home(brand: Brand, view: HomeView | None, *, root: str) -> str:
    """Render the profile, or a sign-in button without `view`; `root` is empty or like `/stage`."""
    name = "home.html" if view is None else "profile.html"
    return _render(name, brand, root, view=view)


def render_error(
    brand: Brand,
    *,
    status: int,
    title: str,
    message: str,
    correlation_id: str,
    action: Action | None,
    root: str,
) -> str:
    """Render an error page with a text for the user, and the reference for the logs."""
    return _render(
        "error.html",
        brand,
        root,
        status=status,
        title=title,
        message=message,
        correlation_id=correlation_id,
        action=action,
    )


def render_sign_out(brand: Brand, *, return_to: str | None = None, root: str) -> str:
    """Render the question whether to sign out; `return_to` is the local page to go on to."""
    return _render("sign_out.html", brand, root, return_to=return_to)


def render_signed_out(brand: Brand, *, return_to: str | None = None, root: str) -> str:
    """Render the page after a sign-out that could not end the provider's session."""
    return _render("signed_out.html", brand, root, return_to=return_to)


def _render(template: str, brand: Brand, root: str, **values: object) -> str:
    values |= {"style_version": version(style_css()), "accent_version": version(accent_css(brand))}
    return _environment().get_template(template).render(brand=brand, root=root, **values)


@cache
def _environment() -> "Environment":
    # Imported here, because a request that only redirects needs no template engine.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain_text"] = plain_text
    environment.filters["readable_time"] = readable_time
    environment.filters["machine_time"] = machine_time
    return environment
