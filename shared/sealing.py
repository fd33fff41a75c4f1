"""Records sealed by a secret that only the browser keeps.

A 256-bit secret gives, by HKDF (RFC 5869) under two labels, the name of a table item and the
AES-256-GCM key that seals what is in it. The name is bound to the ciphertext as associated data,
so an item copied over another does not open. The table, its backups and its streams hold nothing
usable, and there is no master key to guard or rotate: deleting the item destroys the data.
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
"""Returns that many bytes of a cryptographic generator; `os.urandom` outside of tests."""


def new_secret(random: Random = os.urandom) -> str:
    """A fresh 256-bit secret as 43 characters of base64url."""
    return base64url.encode(random(SECRET_BYTES))


def is_secret(text: str) -> bool:
    """Whether `text` could have come from `new_secret`: 43 canonical characters."""
    if len(text) != 43 or not text.isascii():
        return False
    try:
        return len(base64url.decode(text)) == SECRET_BYTES
    except ValueError:
        return False


def digest(label: str, *parts: str) -> str:
    """SHA-256 over a label and parts, in base64url; lengths keep the parts apart."""
    hashed = hashlib.sha256()
    for part in (label, *parts):
        data = part.encode()
        hashed.update(len(data).to_bytes(8))
        hashed.update(data)
    return base64url.encode(hashed.digest())


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """The name of one item and the means to close and open it."""

    key: str
    _cipher_key: bytes = field(repr=False)

    @classmethod
    def of(cls, kind: str, *secrets: str) -> "Seal":
        """The seal of the item of this `kind` that these secrets name, all of them needed."""
        material = "\x00".join(secrets).encode()
        name = _derive(material, f"{kind} item name")
        return cls(
            key=f"{kind}#{base64url.encode(name)}",
            _cipher_key=_derive(material, f"{kind} sealing key"),
        )

    def named(self, key: str) -> "Seal":
        """The same cipher key under an item name of the caller's."""
        return Seal(key=key, _cipher_key=self._cipher_key)

    def close(self, content: bytes, random: Random = os.urandom) -> bytes:
        """Nonce and ciphertext of `content`."""
        nonce = random(_NONCE_BYTES)
        return nonce + AESGCM(self._cipher_key).encrypt(nonce, content, self.key.encode())

    def open(self, sealed: bytes) -> bytes | None:
        """The content, or None where it was sealed by another key, for another item, or altered."""
        try:
            return AESGCM(self._cipher_key).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.key.encode()
            )
        except (InvalidTag, ValueError):
            return None


def _derive(material: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode()).derive(material)
