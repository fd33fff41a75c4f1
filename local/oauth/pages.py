"""The stand-ins' pages. They work without JavaScript, and load nothing from elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_BASE: Final = Path(__file__).parent / "templates"
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def pages_of(folder: Path) -> Callable[..., HTMLResponse]:
    """A function that renders the templates of a folder: name, values, and perhaps a status."""
    templates = Environment(
        loader=FileSystemLoader([folder, _BASE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(templates.get_template(template).render(values), status, _HEADERS)

    return page
