"""The signing keys: the newest one signs, earlier ones stay published until they are retired."""

import uuid
from typing import Any, Final, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, RSAKey

Algorithm = Literal["ES384", "RS256"]
_ALGORITHMS: Final = ["ES384", "RS256"]


class KeyRing:
    """Signs tokens with the newest key."""

    def __init__(self, algorithm: Algorithm = "ES384") -> None:
        self.algorithm: Algorithm = algorithm
        self._keys: list[Key] = [_generate(algorithm)]

    def rotate(self, algorithm: Algorithm | None = None) -> None:
        """Sign with a new key from now on, and keep publishing the earlier ones."""
        self.algorithm = algorithm or self.algorithm
        self._keys.insert(0, _generate(self.algorithm))

    def retire(self) -> None:
        """Publish only the signing key."""
        del self._keys[1:]

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
    parameters: KeyParameters = {"kid": uuid.uuid4().hex, "use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, parameters)
    return ECKey.generate_key("P-384", parameters)
