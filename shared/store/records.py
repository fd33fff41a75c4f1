"""What the table holds, as values, and how each is sealed.

The version `v` in every item lets a later release read the items of an earlier one.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from shared.sealing import Random, Seal, digest

VERSION = 2
"""A record opens with exactly the fields of its version: a change of them is a new version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One sealed row. `expires_at` is the TTL, in Unix seconds."""

    key: str
    sealed: bytes = field(repr=False)
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionItem(Item):
    """A sign-in transaction; `binding` names the browser cookie that may claim it."""

    binding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Who is at a session's refresh token, until when in Unix seconds.

    `owner` is a random name, None where nobody is and the token rests after a failure.
    """

    owner: str | None
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEntry:
    """What is not sealed of a session: all that endings and operators need. Unix seconds."""

    key: str
    seen_at: int
    began_at: int
    expires_at: int
    client_ip: str | None = None
    client_agent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionItem(Item):
    """A session; times are Unix seconds."""

    seen_at: int
    """Its last coalesced activity."""
    began_at: int
    """When its first ID token was issued, by Logto's clock."""
    organizations: frozenset[str] = frozenset()
    """Digests of the user's organizations."""
    client_ip: str | None = None
    client_agent: str | None = None
    lease: Lease | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenItem(Item):
    """An access token of a session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedRecord:
    """Base of what is sealed into items: a dataclass as JSON, with the version of the records."""

    def _close(self, seal: Seal, random: Random) -> bytes:
        """Return the record, closed by this seal."""
        text = json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":"), ensure_ascii=False)
        return seal.close(text.encode(), random)

    @classmethod
    def _open(cls, seal: Seal, sealed: bytes) -> Self | None:
        """Return the record; None if this seal does not open it, or for another version."""
        content = seal.open(sealed)
        if content is None:
            return None
        values: dict[str, Any] = json.loads(content)
        if values.pop("v") != VERSION:
            return None
        # JSON has one kind of sequence. Frozen records hold tuples, and no lists.
        plain = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        make: Callable[..., Self] = cls
        return make(**plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction(SealedRecord):
    """One attempt to sign in, from the redirect to Logto until the callback."""

    sdk_session: str = field(repr=False)
    """What the SDK keeps under `signInSession`: redirect URI, PKCE verifier and state."""
    nonce: str = field(repr=False)
    return_to: str
    connector: str | None
    started_at: float
    """Unix seconds, to the millisecond: what arrives from then on concerns it."""

    def seal(self, *, state: str, cookie: str, expires_at: int, random: Random) -> TransactionItem:
        seal = _transaction_seal(state, cookie)
        return TransactionItem(
            key=seal.key,
            sealed=self._close(seal, random),
            expires_at=expires_at,
            binding=binding_of(cookie),
        )

    @classmethod
    def unseal(cls, item: TransactionItem, *, state: str, cookie: str) -> "Transaction | None":
        """The transaction, or None where `state` and `cookie` are not those that sealed it."""
        return cls._open(_transaction_seal(state, cookie), item.sealed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session(SealedRecord):
    """A signed-in browser. Times are Unix seconds; tokens live in `storage`."""

    issuer: str
    subject: str
    op_session: str | None
    """Logto's `sid`, where the application asks for it."""
    signed_in_at: int
    began_at: int
    """When its first ID token was issued, by Logto's clock."""
    ends_at: int
    """When it ends at the latest, as the settings were when it began: its listings go by it."""
    connector: str | None
    tenant_id: str | None
    groups: tuple[str, ...]
    """Short names of the Entra groups and app roles that are mapped."""
    scopes: tuple[str, ...]
    """What Logto granted at the sign-in."""
    token_key: str = field(repr=False)
    """Part of what seals the session's access tokens: they end with this row."""
    storage: dict[str, str] = field(repr=False)
    """What the SDK's `Storage` holds: ID token and refresh token."""

    def sealed(self, seal: Seal, random: Random) -> bytes:
        """The session closed by the seal of its cookie."""
        return self._close(seal, random)

    @classmethod
    def unseal(cls, item: SessionItem, seal: Seal) -> "Session | None":
        """The session, or None where the item was altered or belongs to another secret."""
        return cls._open(seal, item.sealed)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken(SealedRecord):
    """An access token; times are Unix seconds."""

    value: str = field(repr=False)
    fresh_until: int
    """When a new one should take its place, while this one still serves."""
    expires_at: int

    def seal(self, seal: Seal, random: Random) -> TokenItem:
        return TokenItem(
            key=seal.key,
            sealed=self._close(seal, random),
            expires_at=self.expires_at,
        )

    @classmethod
    def unseal(cls, item: TokenItem, seal: Seal) -> "AccessToken | None":
        """The token, or None where the item was altered or belongs to another session."""
        return cls._open(seal, item.sealed)


def transaction_key(state: str) -> str:
    """The table key of the transaction that `state` names: the callback may know no more."""
    return f"transaction#{digest('transaction', state)}"


def binding_of(cookie: str) -> str:
    """What a transaction keeps of the browser cookie that may claim it."""
    return digest("browser", cookie)


def _transaction_seal(state: str, cookie: str) -> Seal:
    return Seal.of("transaction", state, cookie).named(transaction_key(state))
