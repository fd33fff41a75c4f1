"""Validate the page to return to after a sign-in, to prevent open redirects."""

from posixpath import normpath
from urllib.parse import quote, unquote

from shared.parsing.urls import origin_of

MAX_CHARACTERS = 2048
_FORBIDDEN = frozenset({"sign-in", "callback", "sign-out"})
"""Pages that start or end a sign-in: to return to one would be a loop, or a sign-out."""
_SAFE = "/?#[]@!$&'()*+,;=%:~-._"


def safe_return_to(value: str | None, *, root: str) -> str:
    """Return `value` if a browser resolves it to a page of this origin, else `root` and `/`.

    `root` is the deployment's path prefix (empty, or `/stage`). The result is an ASCII path with an
    optional query and fragment, to be appended to the origin.
    """
    home = f"{root}/"
    if not value or len(value) > MAX_CHARACTERS or not value.startswith("/"):
        return home
    # Browsers drop tabs and line breaks, trim spaces and read a backslash as a slash
    # (WHATWG URL, basic URL parser), which turns a path into another host.
    if value != value.strip() or "\\" in value or not value.isprintable():
        return home
    path = value.split("?", 1)[0].split("#", 1)[0]
    decoded = _decoded(path)
    # A proxy and a browser may read an encoded separator or control character differently.
    if decoded is None or "\\" in decoded or not decoded.isprintable() or "//" in decoded:
        return home
    normal = normpath(decoded).casefold()
    for page in _FORBIDDEN:
        if normal == f"{root}/{page}".casefold() or normal.startswith(f"{root}/{page}/".casefold()):
            return home
    return quote(value, safe=_SAFE)


def from_target_link_uri(value: str | None, *, base_url: str) -> str | None:
    """Return the path of a `target_link_uri` on this origin (OIDC Core section 4), else None."""
    if value is None:
        return None
    origin = origin_of(base_url)
    if value.startswith(f"{origin}/"):
        return value.removeprefix(origin)
    return value if value.startswith("/") else None


def _decoded(path: str) -> str | None:
    """Remove every layer of percent-encoding; None if there are more than five."""
    for _ in range(5):
        decoded = unquote(path)
        if decoded == path:
            return path
        path = decoded
    return None
