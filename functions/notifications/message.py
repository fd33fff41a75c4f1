"""What is read of an event before anything is believed."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A request as it came; `body` is None where it cannot be decoded."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    correlation_id: str

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_message(event: Mapping[str, Any], base_url: str | None) -> Message:
    """The message of an event of any shape."""
    context = _mapping(event.get("requestContext"))
    http = _mapping(context.get("http"))
    given = context.get("requestId")
    known = isinstance(given, str) and _REQUEST_ID.fullmatch(given)
    return Message(
        method=_text(http.get("method")).upper(),
        path=_path(_text(event.get("rawPath")), _text(context.get("stage")), base_url),
        headers={
            name.lower(): value
            for name, value in _mapping(event.get("headers")).items()
            if isinstance(name, str) and isinstance(value, str)
        },
        body=_body(event),
        correlation_id=str(given) if known else uuid.uuid4().hex,
    )


def _path(path: str, stage: str, base_url: str | None) -> str:
    """The path without the stage's or the base URL's own."""
    for root in (urlsplit(base_url or "").path, f"/{stage}" if stage != "$default" else ""):
        if root.strip("/") and path.startswith(f"{root}/"):
            return path.removeprefix(root)
    return path


def _body(event: Mapping[str, Any]) -> bytes | None:
    body = event.get("body")
    if not isinstance(body, str):
        return b""
    if event.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
