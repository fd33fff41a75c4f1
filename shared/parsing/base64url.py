"""Encode and decode base64url without padding (RFC 4648 section 5), in canonical form only.

The standard decoder accepts several texts for the same bytes: an altered token could pass.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """Encode bytes, without padding."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def decode(text: str) -> bytes:
    """Decode a text. Raises ValueError for every text that `encode` does not return."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
