"""Import FastAPI without compiling the models of documents that this function never publishes.

FastAPI brings a few dozen Pydantic models of OpenAPI. Compiling them takes a fourth of its import.
With Pydantic's setting `defer_build` a model is compiled when it is first used. FastAPI asks for a
few at once all the same (`model_rebuild()`, because their annotations name each other); that is put
off just as well. `docs/decisions/0007-deferred-fastapi.md` says what this is worth and what it
relies on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel


@contextmanager
def _compiled_when_used() -> Iterator[None]:
    """Defer every model that is defined while the context lasts, and put all back afterwards."""
    model: Any = BaseModel
    rebuild, before = model.__dict__["model_rebuild"], model.model_config
    model.model_config = {**before, "defer_build": True}
    # Pydantic itself passes options, when a model is used that is not compiled yet.
    model.model_rebuild = classmethod(
        lambda cls, **options: rebuild.__func__(cls, **options) if options else None
    )
    try:
        yield
    finally:
        model.model_rebuild, model.model_config = rebuild, before


with _compiled_when_used():
    import fastapi  # noqa: F401
