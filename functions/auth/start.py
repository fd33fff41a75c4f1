"""The start of this function: FastAPI, without what it would do for documents.

FastAPI brings a few dozen Pydantic models of OpenAPI documents. Compiling them takes a fourth of
its import, and a function that publishes no such document never uses one. With Pydantic's setting
`defer_build` a model is compiled when it is first used. FastAPI asks for a few at once all the same
(`model_rebuild()`, where their annotations name each other); that is put off just as well.
"""

from shared.startup_gc import done  # isort: split

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

__all__ = ["done"]


@contextmanager
def _compiled_when_used() -> Iterator[None]:
    """For the models that are defined while the context lasts."""
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
