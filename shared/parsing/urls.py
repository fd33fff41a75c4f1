"""Rules for the absolute URLs that configure the product."""

from urllib.parse import SplitResult, urlsplit

PLAIN_HTTP_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
"""Hosts that never leave the machine: the only ones that may be spoken to without TLS."""


def is_plain_http_host(host: str | None) -> bool:
    """Whether `http://` is accepted for this host: loopback, and Docker's name for the host."""
    return host is not None and (host in PLAIN_HTTP_HOSTS or host.endswith(".localhost"))


def origin_of(url: str) -> str:
    """Scheme, host and port of an absolute URL, as a browser writes them (RFC 6454 section 6.2).

    Raises ValueError for a URL without host or with an impossible port.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("a URL with a host is needed")
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def check_base(url: str) -> str:
    """An `https://` base URL without trailing slash; raises ValueError that says what is wrong.

    `http://` is accepted for the hosts of `PLAIN_HTTP_HOSTS` alone.
    """
    if any(ord(c) <= 0x20 or ord(c) >= 0x7F for c in url) or "\\" in url:
        raise ValueError("holds a character that a URL may not hold")
    try:
        parts: SplitResult = urlsplit(url)
        _ = parts.port
    except ValueError:  # its text quotes the URL, which may hold a password
        raise ValueError("is not an absolute URL such as https://example.com") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is not an absolute URL such as https://example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must not hold a query or a fragment")
    if parts.scheme == "http" and not is_plain_http_host(parts.hostname):
        raise ValueError("must begin with https:// (http:// is for loopback hosts only)")
    return f"{origin_of(url)}{parts.path.rstrip('/')}"
