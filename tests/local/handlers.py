"""Handlers for tests of the gateway and its environments."""

import base64
import os
import time
from typing import Any


def echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the event."""
    return {"event": event, "pid": os.getpid(), "name": context.function_name}


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with every member that an answer can have."""
    assert context.get_remaining_time_in_millis() > 0
    return {
        "statusCode": 201,
        "headers": {"content-type": "image/png", "x-one": "1"},
        "cookies": ["a=1; Path=/", "b=2; Path=/"],
        "body": base64.b64encode(b"\x89PNG\x00\xff").decode(),
        "isBase64Encoded": True,
    }


def nonsense(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {"statusCode": "many"}


def fail(event: dict[str, Any], context: Any) -> dict[str, Any]:
    raise RuntimeError("as it happens")


def crash(event: dict[str, Any], context: Any) -> dict[str, Any]:
    os._exit(1)


def hang(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time.sleep(600)
    return {}


def variable(event: dict[str, Any], context: Any) -> str | None:
    return os.environ.get("ONLY_FOR_THE_FUNCTION")
