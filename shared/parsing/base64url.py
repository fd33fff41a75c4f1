"""Base64url without padding (RFC 4648 section 5), one text per value.

The standard decoder takes several texts for the same bytes. A cookie or a token that has been
altered must not pass for the original, so only the canonical text is accepted.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """Text of `data`, without padding."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def decode(text: str) -> bytes:
    """Bytes of `text`. Raises ValueError for any text that `encode` does not make."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
