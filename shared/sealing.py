"""Encrypt records under a secret that only the browser stores.

HKDF (RFC 5869) derives from it the key of a table item, and the AES-256-GCM key of the item's
content. The item's key is bound to the ciphertext as associated data, so an item that was copied
over another does not open. There is no master key: deleting the item destroys the data.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.parsing import base64url

SECRET_BYTES = 32
_NONCE_BYTES = 12

Random = Callable[[int], bytes]
"""Return this many cryptographically random bytes; `os.urandom` outside of tests."""


def new_secret(random: Random = os.urandom) -> str:
    """Return a new 256-bit secret as 43 characters of base64url."""
    return base64url.encode(random(SECRET_BYTES))


def is_secret(text: str) -> bool:
    """Return whether `text` has the form of a secret: 43 characters of canonical base64url."""
    try:
        return len(base64url.decode(text)) == SECRET_BYTES
    except ValueError:
        return False


def digest(label: str, *parts: str) -> str:
    """Return the SHA-256 digest of a label and parts, in base64url."""
    hashed = hashlib.sha256()
    for part in (label, *parts):
        # Each part follows its length, so ("ab", "c") and ("a", "bc") have different digests.
        data = part.encode()
        hashed.update(len(data).to_bytes(8))
        hashed.update(data)
    return base64url.encode(hashed.digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """The key of one item, with the cipher that encrypts and decrypts its content."""

    key: str
    _cipher_key: bytes = field(repr=False)

    @classmethod
    def of(cls, kind: str, *secrets: str) -> "Seal":
        """Derive the seal of an item of this `kind` from secrets, all of which are needed."""
        material = "\x00".join(secrets).encode()
        # Two labels give independent values: the item's key is public to readers of the table and
        # reveals nothing of the cipher key.
        name = _derive(material, f"{kind} item name")
        return cls(
            key=f"{kind}#{base64url.encode(name)}",
            _cipher_key=_derive(material, f"{kind} sealing key"),
        )

    def named(self, key: str) -> "Seal":
        """Return a seal with this cipher key for an item whose key the caller chooses."""
        return Seal(key=key, _cipher_key=self._cipher_key)

    def close(self, content: bytes, random: Random = os.urandom) -> bytes:
        """Encrypt `content`; return nonce and ciphertext."""
        # A session is sealed a few thousand times at most under its own key, so random nonces do
        # not repeat (NIST SP 800-38D section 8.3 allows 2^32).
        nonce = random(_NONCE_BYTES)
        return nonce + AESGCM(self._cipher_key).encrypt(nonce, content, self.key.encode())

    def open(self, sealed: bytes) -> bytes | None:
        """Decrypt; None if it was altered, or sealed with another key or for another item."""
        try:
            return AESGCM(self._cipher_key).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.key.encode()
            )
        except (InvalidTag, ValueError):
            return None


def _derive(material: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode()).derive(material)
