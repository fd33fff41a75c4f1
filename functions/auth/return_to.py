"""Validate the page to return to after a sign-in or sign-out, to prevent open redirects.

The rule is the browser's own (WHATWG URL Standard, basic URL parser): a value is kept if a browser
stays on this origin with it. It is cleaned and encoded so that it cannot be read in two ways.
"""

import re
from urllib.parse import quote, unquote

from shared.parsing.urls import origin_of

MAX_CHARACTERS = 2048
"""Limit of the result, which is percent-encoded."""
_FORBIDDEN = ("/sign-in", "/callback", "/sign-out", "/pass")
"""Pages that start or end a sign-in: to return to one would be a loop, or a sign-out."""
_SAFE = "/?#[]@!$&'()*+,;=%:~-._"
_TRIMMED = "".join(map(chr, range(0x21)))
"""C0 controls and space: browsers remove them from both ends."""
_REMOVED = str.maketrans("", "", "\t\n\r")
"""Browsers remove these everywhere."""
_AFTER_PATH = re.compile(r"[?#]")
_DOT = re.compile(r"\.|%2e", re.IGNORECASE)
_MAX_LAYERS = 10
"""Percent-encodings of percent-encodings that are removed to look for a forbidden page."""


def safe_return_to(value: str | None, *, root: str) -> str:
    """Return `value` if a browser resolves it to a page of this origin, else `root` and `/`.

    `value` must be a path with a slash first, with an optional query and fragment. The result is
    ASCII of at most `MAX_CHARACTERS`. `root` is empty, or like `/stage`.
    """
    home = f"{root}/"
    cleaned = _cleaned(value or "")
    path = _AFTER_PATH.split(cleaned, maxsplit=1)[0]
    rest = cleaned[len(path) :]
    path = path.replace("\\", "/")
    # Two slashes first are the beginning of another host.
    if not path.startswith("/") or path.startswith("//"):
        return home
    if _resolved(path).startswith("//") or _is_forbidden(path, root):
        return home
    encoded = quote(f"{path}{rest}".encode("utf-8", "replace"), safe=_SAFE)
    return encoded if len(encoded) <= MAX_CHARACTERS else home


def from_target_link_uri(value: str | None, *, base_url: str) -> str | None:
    """Return the path of a URL of this origin (OIDC Core section 4), a local path, or None."""
    if value is None:
        return None
    cleaned, origin = _cleaned(value), origin_of(base_url)
    if cleaned.startswith(("/", "\\")):
        return cleaned
    rest = cleaned[len(origin) :]
    if cleaned[: len(origin)].lower() != origin or rest[:1] not in ("/", "?", "#", ""):
        return None
    return rest if rest.startswith("/") else f"/{rest}"


def _cleaned(value: str) -> str:
    return value.strip(_TRIMMED).translate(_REMOVED)


def _resolved(path: str) -> str:
    """Remove the dot segments of an absolute path as a browser does, encoded ones too."""
    segments: list[str] = []
    dots = ""
    for segment in path.split("/")[1:]:
        dots = _DOT.sub(".", segment)
        if dots == "..":
            del segments[-1:]
        elif dots != ".":
            segments.append(segment)
    if dots in (".", ".."):
        segments.append("")
    return "/" + "/".join(segments)


def _is_forbidden(path: str, root: str) -> bool:
    """Return whether a path leads to a forbidden page, or to one below it.

    API Gateway and the framework each decode a path once more than the browser does.
    """
    pages = [f"{root}{page}".lower() for page in _FORBIDDEN]
    for _ in range(_MAX_LAYERS):
        normal = _resolved(path).lower()
        if any(normal == page or normal.startswith(f"{page}/") for page in pages):
            return True
        decoded = unquote(path).replace("\\", "/")
        if decoded == path:
            break
        path = decoded
    return False
