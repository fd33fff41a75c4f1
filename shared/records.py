"""What the table holds, as values, and how each is sealed.

The version `v` in every item lets a later release read the items of an earlier one.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from shared.sealing import Random, Seal, digest

VERSION = 1
_DAY = 86_400


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
class SessionItem(Item):
    """A session; `seen_at` is its last coalesced activity, in Unix seconds."""

    seen_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """One attempt to sign in, from the redirect to Logto until the callback."""

    sdk_session: str = field(repr=False)
    """What the SDK keeps under `signInSession`: redirect URI, PKCE verifier and state."""
    nonce: str = field(repr=False)
    return_to: str
    connector: str | None
    started_at: int

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
    connector: str | None
    tenant_id: str | None
    storage: dict[str, str] = field(repr=False)
    """What the SDK's `Storage` holds: ID token, access tokens, refresh token."""

    def seal(self, seal: Seal, *, seen_at: int, expires_at: int, random: Random) -> SessionItem:
        content = {
            "v": VERSION,
            "issuer": self.issuer,
            "subject": self.subject,
            "op_session": self.op_session,
            "signed_in_at": self.signed_in_at,
            "connector": self.connector,
            "tenant_id": self.tenant_id,
            "storage": self.storage,
        }
        return SessionItem(
            key=seal.key,
            sealed=seal.close(_encode(content), random),
            expires_at=expires_at,
            seen_at=seen_at,
        )

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
            connector=content["connector"],
            tenant_id=content["tenant_id"],
            storage=content["storage"],
        )


def session_seal(secret: str) -> Seal:
    """The seal of the session that the cookie's `secret` opens."""
    return Seal.of("session", secret)


def transaction_key(state: str) -> str:
    """The table key of the transaction that `state` names: the callback may know no more."""
    return f"transaction#{digest('transaction', state)}"


def binding_of(cookie: str) -> str:
    """What a transaction keeps of the browser cookie that may claim it."""
    return digest("browser", cookie)


def index_keys(session: Session, *, absolute_seconds: int) -> tuple[str, ...]:
    """Keys of the index items that list this session, for ending all sessions of a subject.

    An index item covers the sessions that end on one day, so it lapses with the last of them and
    never has to be cleaned up: a user's live sessions are found under the days still to come.
    """
    day = str((session.signed_in_at + absolute_seconds) // _DAY)
    keys = [f"subject#{digest('subject', session.issuer, session.subject, day)}"]
    if session.op_session is not None:
        keys.append(f"subject#{digest('op session', session.issuer, session.op_session, day)}")
    return tuple(keys)


def index_expires_at(session: Session, *, absolute_seconds: int) -> int:
    """When an index item may lapse: after the end of the day that it covers, in Unix seconds."""
    return ((session.signed_in_at + absolute_seconds) // _DAY + 1) * _DAY


def _transaction_seal(state: str, cookie: str) -> Seal:
    return Seal.of("transaction", state, cookie).named(transaction_key(state))


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _decode(content: bytes | None) -> dict[str, Any] | None:
    if content is None:
        return None
    decoded: dict[str, Any] = json.loads(content)
    return decoded if decoded["v"] == VERSION else None
