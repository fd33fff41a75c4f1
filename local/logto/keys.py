"""The signing keys: the newest one signs, and the previous one stays published."""

import uuid
from typing import Any, Final, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, RSAKey

Algorithm = Literal["ES384", "RS256"]
_ALGORITHMS: Final = ["ES384", "RS256"]
_PUBLISHED: Final = {"EC": ("ES384",), "RSA": ("PS256", "RS256")}
"""The algorithms that discovery lists for a key; tokens have one of them."""


class KeyRing:
    """Signs tokens with the newest key."""

    def __init__(self, algorithm: Algorithm = "ES384") -> None:
        self.algorithm: Algorithm = algorithm
        self._keys: list[Key] = [_generate(algorithm)]

    def rotate(self, algorithm: Algorithm | None = None) -> None:
        """Sign with a new key from now on, and keep publishing the previous one."""
        self.algorithm = algorithm or self.algorithm
        self._keys = [_generate(self.algorithm), self._keys[0]]

    def retire(self) -> None:
        """Publish only the signing key."""
        del self._keys[1:]

    def algorithms(self) -> list[str]:
        """List the algorithms of the published keys."""
        return list(dict.fromkeys(name for key in self._keys for name in _PUBLISHED[key.key_type]))

    def published(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def sign(self, claims: dict[str, Any], *, type: str | None = None) -> str:
        """Sign claims: a compact JWS, with `type` as its `typ` header."""
        header = {"alg": self.algorithm, "kid": self._keys[0].kid}
        if type is not None:
            header["typ"] = type
        return jwt.encode(header, claims, self._keys[0], algorithms=_ALGORITHMS, default_type=None)

    def read(self, token: str) -> dict[str, Any] | None:
        """Read the claims of a token that was signed here, expired or not; None for any other."""
        try:
            return jwt.decode(token, KeySet(self._keys), algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError):
            return None


def _generate(algorithm: Algorithm) -> Key:
    # Logto's JSON Web Keys have no `alg`.
    parameters: KeyParameters = {"kid": uuid.uuid4().hex, "use": "sig"}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, parameters)
    return ECKey.generate_key("P-384", parameters)
