"""The start of this function: what has to be said before FastAPI is loaded.

FastAPI brings a few dozen Pydantic models of OpenAPI documents. Compiling them takes a fifth of its
import, and a function that publishes no such document never uses one. With Pydantic's own setting
`defer_build` a model is compiled when it is first used.
"""

from shared.start import done  # isort: split

from pydantic import BaseModel

__all__ = ["done"]

BaseModel.model_config["defer_build"] = True
