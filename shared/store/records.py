"""The records of the table as values, and their sealing.

Every item has a version `v`, by which a later release recognises the items of an earlier one.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from shared.sealing import Random, Seal, digest

VERSION = 2
"""A record must have exactly the fields of its version: changing them needs a new version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An item with sealed content. `expires_at` is the TTL, in Unix seconds."""

    key: str
    sealed: bytes = field(repr=False)
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionItem(Item):
    """A sign-in transaction; `binding` is a digest of the browser cookie that may claim it."""

    binding: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """A lock on a session's refresh token, until a Unix time. Without `owner`: back-off."""

    owner: str | None
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEntry:
    """The unsealed attributes of a session, for revocations and operators. Unix seconds."""

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
    """The last recorded activity; not every request is recorded."""
    began_at: int
    """When its first ID token was issued, by Logto's clock."""
    organizations: frozenset[str] = frozenset()
    """Digests of the user's organizations."""
    client_ip: str | None = None
    client_agent: str | None = None
    lease_owner: str | None = None
    lease_until: float | None = None

    @property
    def lease(self) -> Lease | None:
        until = self.lease_until
        return Lease(owner=self.lease_owner, until=until) if until is not None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenItem(Item):
    """An access token of a session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedRecord:
    """Base class of sealed contents: a dataclass as JSON, with the version of the records."""

    def sealed(self, seal: Seal, random: Random) -> bytes:
        """Serialise the record and encrypt it with this seal."""
        text = json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":"), ensure_ascii=False)
        return seal.close(text.encode(), random)

    @classmethod
    def unseal(cls, item: Item, seal: Seal) -> Self | None:
        """Decrypt an item's record; None if this seal does not open it, or for another version."""
        content = seal.open(item.sealed)
        if content is None:
            return None
        values: dict[str, Any] = json.loads(content)
        if values.pop("v") != VERSION:
            return None
        # JSON turns tuples into lists. Frozen records have no lists, so every list was a tuple.
        plain = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        make: Callable[..., Self] = cls
        return make(**plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction(SealedRecord):
    """One attempt to sign in, from the redirect to Logto until the callback."""

    sdk_session: str = field(repr=False)
    """The SDK's value of `signInSession`: redirect URI, PKCE verifier and state."""
    nonce: str = field(repr=False)
    return_to: str
    connector: str | None
    reauthenticates: bool
    """Whether the user was sent to authenticate again, with `prompt=login`."""
    started_at: float
    """Unix seconds, to the millisecond: a logout that arrives later may cancel the sign-in."""
    silent: bool = False
    """Whether Logto must not ask the user anything (`prompt=none`)."""

    def seal(self, *, state: str, cookie: str, expires_at: int, random: Random) -> TransactionItem:
        seal = transaction_seal(state, cookie)
        return TransactionItem(
            key=seal.key,
            sealed=self.sealed(seal, random),
            expires_at=expires_at,
            binding=binding_of(cookie),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Session(SealedRecord):
    """The session of a browser. Times are Unix seconds."""

    issuer: str
    subject: str
    op_session: str | None
    """Logto's `sid`, if the ID token has one."""
    signed_in_at: int
    began_at: int
    """When its first ID token was issued, by Logto's clock."""
    ends_at: int
    """Its latest end by the settings at its beginning: the TTL of its listings."""
    authenticated_at: int | None
    """When the user last proved who they are: at Entra, or at Logto. None if it is not known."""
    connector: str | None
    tenant_id: str | None
    """The Entra tenant that the sign-in came from."""
    login_url: str | None
    """Where that tenant signs users out."""
    groups: tuple[str, ...]
    """Short names of the user's mapped Entra groups and app roles."""
    scopes: tuple[str, ...]
    """The scopes that Logto granted at the sign-in."""
    token_key: str = field(repr=False)
    """A secret that the access tokens' seals depend on: without this record they do not open."""
    storage: dict[str, str] = field(repr=False)
    """The contents of the SDK's `Storage`: ID token and refresh token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken(SealedRecord):
    """An access token; times are Unix seconds."""

    value: str = field(repr=False)
    fresh_until: int
    """When it should be refreshed, while it is still valid."""
    expires_at: int

    def seal(self, seal: Seal, random: Random) -> TokenItem:
        return TokenItem(key=seal.key, sealed=self.sealed(seal, random), expires_at=self.expires_at)


def transaction_key(state: str) -> str:
    """Return the key of a transaction's item, by `state` alone: another browser finds it, too."""
    return f"transaction#{digest('transaction', state)}"


def binding_of(cookie: str) -> str:
    """Return the digest of a browser cookie, by which a transaction recognises its browser."""
    return digest("browser", cookie)


def transaction_seal(state: str, cookie: str) -> Seal:
    """Return the seal of a transaction, for which `state` and the browser's cookie are needed."""
    return Seal.of("transaction", state, cookie).named(transaction_key(state))
