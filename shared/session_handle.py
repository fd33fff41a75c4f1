"""Derive keys from the secret in the session cookie, once per request."""

from dataclasses import dataclass, field

from shared.sealing import Random, Seal, digest, new_secret


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionHandle:
    """The keys that a session cookie's secret gives access to; it leaves only as a cookie."""

    seal: Seal = field(repr=False)
    """Opens and closes the session's record; its key is the record's key in the table."""
    cookie_value: str = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "SessionHandle":
        """Derive the handle of a cookie's secret."""
        return cls(seal=Seal.of("session", secret), cookie_value=secret)

    @classmethod
    def new(cls, random: Random) -> "SessionHandle":
        """Return the handle of a session that does not exist yet."""
        return cls.of(new_secret(random))

    @property
    def key(self) -> str:
        """The key of the session's record."""
        return self.seal.key

    @property
    def id_hash(self) -> str:
        """An identifier of the session for logs and rate limits; it reveals no key."""
        return digest("session id", self.key)

    def token_key(self, target: str) -> str:
        """Return the key of the access token for a resource or an organization's URN."""
        return Seal.of("token", self.cookie_value, target).key

    def token_seal(self, target: str, session_part: str) -> Seal:
        """Return the seal of an access token, which needs a secret of the session's own record."""
        seal = Seal.of("token", self.cookie_value, session_part, target)
        return seal.named(self.token_key(target))
