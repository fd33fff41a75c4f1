"""`functions.auth.app.handler`: FastAPI behind Mangum, for API Gateway HTTP API payload 2.0."""

import os
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from starlette.exceptions import HTTPException

from functions.auth import edge
from functions.auth.boundary import Boundary, refused
from functions.auth.composition import compose
from functions.auth.routes import assets, callback, home, me, sign_in, sign_out
from shared.services import Services


def create_app(services: Services) -> FastAPI:
    """The application over these services."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.services = services
    for module in (home, sign_in, callback, sign_out, me, assets):
        app.include_router(module.router)
    app.add_middleware(Boundary, services=services)
    app.add_exception_handler(HTTPException, refused)
    return app


_services = compose(os.environ)
_adapter = Mangum(create_app(_services), lifespan="off")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; whatever the event holds, the answer is one that API Gateway takes."""
    return edge.answer(event, context, adapter=_adapter, services=_services)
