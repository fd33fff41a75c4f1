"""What a function loads before its first event, and the state that it leaves the process in."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LATER = {
    "auth": {
        "aiohttp",
        "boto3",
        "jinja2",
        "jwt",
        "logto",
        "pydantic.v1",
        "shared.oidc.http_client",
    },
    "authorizer": {"aiohttp", "asyncio", "boto3", "fastapi", "jwt", "logto", "pydantic"},
    "notifications": {"aiohttp", "boto3", "fastapi", "logto", "pydantic"},
    "admin": {"aiohttp", "boto3", "fastapi", "jwt", "logto", "pydantic"},
}
"""Modules that are loaded on the path that needs them, or never."""


def printed(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={
            "LOGTO_ENDPOINT": "https://tenant.logto.app",
            "LOGTO_APP_ID": "app",
            "LOGTO_APP_SECRET": "secret",
            "TABLE_NAME": "table",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    ).stdout


@pytest.mark.parametrize("function", LATER)
def test_modules_that_are_needed_later_are_not_loaded_at_start(function: str) -> None:
    loaded = set(printed(f"import functions.{function}.app, sys; print(*sys.modules)").split())
    assert "botocore" in loaded
    assert not LATER[function] & loaded


@pytest.mark.parametrize("function", LATER)
def test_garbage_is_collected_again_after_the_handler_is_made(function: str) -> None:
    state = "gc.isenabled(), gc.get_freeze_count() > 10_000"
    program = f"import gc, functions.{function}.app; print({state})"
    assert printed(program).split() == ["True", "True"]


def test_openapi_models_are_compiled_when_they_are_used() -> None:
    program = (
        "import functions.auth.app\n"
        "from fastapi.openapi.models import Operation, Schema\n"
        "print(Schema.__pydantic_complete__, Operation.__pydantic_complete__)\n"
        "print(Schema(properties={'a': Schema(type='string')}).properties['a'].type)\n"
        "print(Schema.__pydantic_complete__)\n"
    )
    assert printed(program).split() == ["False", "False", "string", "True"]


def test_other_models_are_compiled_when_they_are_defined() -> None:
    program = (
        "import functions.auth.app\n"
        "from pydantic import BaseModel\n"
        "class Model(BaseModel):\n"
        "    x: int\n"
        "print(Model.__pydantic_complete__, BaseModel.model_config)\n"
    )
    assert printed(program).split() == ["True", "{}"]


def test_fastapi_can_still_write_its_document() -> None:
    program = (
        "import functions.auth.app\n"
        "from fastapi import FastAPI\n"
        "app = FastAPI()\n"
        "@app.get('/x')\n"
        "def x(q: int) -> dict[str, int]: ...\n"
        "print(list(app.openapi()['paths']))\n"
    )
    assert printed(program).split() == ["['/x']"]
