"""The stand-in's pages. They work without JavaScript; nothing of them comes from elsewhere."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of these values."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), status, _HEADERS)
