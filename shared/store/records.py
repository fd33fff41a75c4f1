"""What the table holds, as values, and how each is sealed.

The version `v` in every item lets a later release read the items of an earlier one.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from shared.sealing import Random, Seal, digest

VERSION = 1


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
class Transaction:
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
        content = {
            "v": VERSION,
            "sdk_session": self.sdk_session,
            "nonce": self.nonce,
            "return_to": self.return_to,
            "connector": self.connector,
            "started_at": self.started_at,
        }
        return TransactionItem(
            key=seal.key,
            sealed=seal.close(_encode(content), random),
            expires_at=expires_at,
            binding=binding_of(cookie),
        )

    @classmethod
    def unseal(cls, item: TransactionItem, *, state: str, cookie: str) -> "Transaction | None":
        """The transaction, or None where `state` and `cookie` are not those that sealed it."""
        content = _decode(_transaction_seal(state, cookie).open(item.sealed))
        if content is None:
            return None
        return cls(
            sdk_session=content["sdk_session"],
            nonce=content["nonce"],
            return_to=content["return_to"],
            connector=content["connector"],
            started_at=content["started_at"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser. Times are Unix seconds; tokens live in `storage`."""

    issuer: str
    subject: str
    op_session: str | None
    """Logto's `sid`, where the application asks for it."""
    signed_in_at: int
    began_at: int
    """When its first ID token was issued, by Logto's clock."""
    ends_at: int
    """When it ends at the latest, as the settings were when it began: the indexes go by it."""
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
        content = {
            "v": VERSION,
            "issuer": self.issuer,
            "subject": self.subject,
            "op_session": self.op_session,
            "signed_in_at": self.signed_in_at,
            "began_at": self.began_at,
            "ends_at": self.ends_at,
            "connector": self.connector,
            "tenant_id": self.tenant_id,
            "groups": self.groups,
            "scopes": self.scopes,
            "token_key": self.token_key,
            "storage": self.storage,
        }
        return seal.close(_encode(content), random)

    @classmethod
    def unseal(cls, item: SessionItem, seal: Seal) -> "Session | None":
        """The session, or None where the item was altered or belongs to another secret."""
        content = _decode(seal.open(item.sealed))
        if content is None:
            return None
        return cls(
            issuer=content["issuer"],
            subject=content["subject"],
            op_session=content["op_session"],
            signed_in_at=content["signed_in_at"],
            began_at=content["began_at"],
            ends_at=content["ends_at"],
            connector=content["connector"],
            tenant_id=content["tenant_id"],
            groups=tuple(content["groups"]),
            scopes=tuple(content["scopes"]),
            token_key=content["token_key"],
            storage=content["storage"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """An access token; times are Unix seconds."""

    value: str = field(repr=False)
    fresh_until: int
    """When a new one should take its place, while this one still serves."""
    expires_at: int

    def seal(self, seal: Seal, random: Random) -> TokenItem:
        content = {
            "v": VERSION,
            "value": self.value,
            "fresh_until": self.fresh_until,
            "expires_at": self.expires_at,
        }
        return TokenItem(
            key=seal.key,
            sealed=seal.close(_encode(content), random),
            expires_at=self.expires_at,
        )

    @classmethod
    def unseal(cls, item: TokenItem, seal: Seal) -> "AccessToken | None":
        """The token, or None where the item was altered or belongs to another session."""
        content = _decode(seal.open(item.sealed))
        if content is None:
            return None
        return cls(
            value=content["value"],
            fresh_until=content["fresh_until"],
            expires_at=content["expires_at"],
        )


def token_item_key(secret: str, target: str) -> str:
    """The table key of a session's access token for a resource or an organization."""
    return Seal.of("token", secret, target).key


def token_seal(secret: str, session: Session, target: str) -> Seal:
    """The seal of an access token. It needs what only the session's row holds."""
    return Seal.of("token", secret, session.token_key, target).named(token_item_key(secret, target))


def session_seal(secret: str) -> Seal:
    """The seal of the session that the cookie's `secret` opens."""
    return Seal.of("session", secret)


def transaction_key(state: str) -> str:
    """The table key of the transaction that `state` names: the callback may know no more."""
    return f"transaction#{digest('transaction', state)}"


def binding_of(cookie: str) -> str:
    """What a transaction keeps of the browser cookie that may claim it."""
    return digest("browser", cookie)


def _transaction_seal(state: str, cookie: str) -> Seal:
    return Seal.of("transaction", state, cookie).named(transaction_key(state))


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _decode(content: bytes | None) -> dict[str, Any] | None:
    if content is None:
        return None
    decoded: dict[str, Any] = json.loads(content)
    return decoded if decoded["v"] == VERSION else None
