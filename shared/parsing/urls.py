"""Check absolute URLs, such as those in settings."""

from urllib.parse import SplitResult, urlsplit

PLAIN_HTTP_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
"""Hosts on the local machine: the only ones that may be reached without TLS."""


def is_plain_http_host(host: str | None) -> bool:
    """Return whether `http://` is allowed: for loopback hosts, and Docker's name of its host."""
    return host is not None and (host in PLAIN_HTTP_HOSTS or host.endswith(".localhost"))


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers serialise it (RFC 6454 6.2). Raises ValueError."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("the URL has no host")
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def check_origin(url: str) -> str:
    """Return a base URL without a path. Errors never contain it."""
    checked = check_base(url)
    if urlsplit(url).path not in ("", "/"):
        raise ValueError("must be without a path, such as https://example.com")
    return checked


def check_base(url: str) -> str:
    """Return an `https://` base URL without trailing slash; `http://` for local hosts only.

    The text of its ValueError follows the name of a setting and never contains the URL.
    """
    if any(ord(c) <= 0x20 or ord(c) >= 0x7F for c in url) or "\\" in url:
        raise ValueError("contains a character that is not allowed in a URL")
    try:
        parts: SplitResult = urlsplit(url)
        _ = parts.port
    except ValueError:  # its text quotes the URL, which may contain a password
        raise ValueError("is not an absolute URL such as https://example.com") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is not an absolute URL such as https://example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must not contain a query or a fragment")
    if parts.scheme == "http" and not is_plain_http_host(parts.hostname):
        raise ValueError("must begin with https:// (http:// is for loopback hosts only)")
    return f"{origin_of(url)}{parts.path.rstrip('/')}"
