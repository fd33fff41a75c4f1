"""Where a sign-in may lead: a page of this origin, and none that starts or ends a sign-in."""

from posixpath import normpath
from urllib.parse import quote, unquote

from shared.parsing.urls import origin_of

MAX_CHARACTERS = 2048
_FORBIDDEN = frozenset({"sign-in", "callback", "sign-out"})
_KEPT = "/?#[]@!$&'()*+,;=%:~-._"


def safe_return_to(value: str | None, *, root: str) -> str:
    """`value` if a browser resolves it to a page of this origin, else `root` followed by `/`.

    `root` is the path that the deployment hangs under (empty, or `/stage`). The answer is a path
    with an optional query and fragment in ASCII, to be put behind the origin.
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
    # An encoded separator or control character means one path to a proxy, another to a browser.
    if decoded is None or "\\" in decoded or not decoded.isprintable() or "//" in decoded:
        return home
    normal = normpath(decoded).casefold()
    for page in _FORBIDDEN:
        if normal == f"{root}/{page}".casefold() or normal.startswith(f"{root}/{page}/".casefold()):
            return home
    return quote(value, safe=_KEPT)


def from_target_link_uri(value: str | None, *, base_url: str) -> str | None:
    """The path of a `target_link_uri` on this origin (OIDC Core section 4), else None."""
    if value is None:
        return None
    origin = origin_of(base_url)
    if value.startswith(f"{origin}/"):
        return value.removeprefix(origin)
    return value if value.startswith("/") else None


def _decoded(path: str) -> str | None:
    """`path` with every layer of percent-encoding taken off, or None if there is no end to it."""
    for _ in range(5):
        plainer = unquote(path)
        if plainer == path:
            return path
        path = plainer
    return None
