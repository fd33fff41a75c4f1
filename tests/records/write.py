"""`python -m tests.records.write VERSION`: the records of a release, as its code writes them.

Run once for a release whose records differ from the ones before, and commit the file: later code
has to read it (`test_releases.py`). Secrets, nonces and times in it are fixed.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from shared.session_handle import SessionHandle
from shared.store.keys import (
    listings_of,
    op_session_digest,
    organization_digest,
    replay_key,
    subject_digest,
)
from shared.store.records import (
    AccessToken,
    Session,
    SessionItem,
    Transaction,
    transaction_key,
)
from shared.store.refresh_lease import RefreshLeases
from shared.store.session_table import CommitGuards, SessionTable

RELEASES = Path(__file__).parent / "releases"
ISSUER, SUBJECT, SID = "https://tenant.logto.app/oidc", "alice0000001", "op-session-1"
NOW = 1_800_000_000
STATE = base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
COOKIE = base64.urlsafe_b64encode(b"b" * 32).decode().rstrip("=")
SECRET = base64.urlsafe_b64encode(b"c" * 32).decode().rstrip("=")
HANDLE = SessionHandle.of(SECRET)
TARGET = "https://api.example.test/orders"
TRANSACTION = Transaction(
    sdk_session=json.dumps({"redirectUri": "https://a.test/callback", "state": STATE}),
    nonce="a-nonce",
    return_to="/reports",
    connector="contoso00001",
    reauthenticates=False,
    started_at=NOW,
)
SESSION = Session(
    issuer=ISSUER,
    subject=SUBJECT,
    op_session=SID,
    signed_in_at=NOW,
    began_at=NOW - 1,
    ends_at=NOW + 43_200,
    authenticated_at=NOW - 2,
    connector="contoso00001",
    tenant_id="11111111-1111-4111-8111-111111111111",
    login_url="https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111",
    groups=("finance",),
    scopes=("openid", "profile"),
    token_key="a-token-key",
    storage={"idToken": "e30.e30.e30", "refreshToken": "a-refresh-token"},
)
TOKEN = AccessToken(value="an-access-token", fresh_until=NOW + 3540, expires_at=NOW + 3600)


class Recorder:
    """Takes the place of the calls to DynamoDB, and records the writes."""

    def __init__(self) -> None:
        self.writes: list[dict[str, Any]] = []

    def __call__(self, operation: str, **arguments: Any) -> dict[str, Any]:
        self.writes.append({operation: arguments})
        return {}

    def transact(self, writes: list[dict[str, Any]]) -> None:
        self.writes += writes


def fixed(count: int) -> bytes:
    """Return fixed bytes instead of random ones, so that the records are the same each time."""
    return hashlib.sha256(b"fixed").digest()[:count]


def records() -> list[dict[str, Any]]:
    """Return the writes of a sign-in and of the first access token, as calls to DynamoDB."""
    calls: Any = Recorder()
    seal = HANDLE.seal
    item = SessionItem(
        key=seal.key,
        sealed=SESSION.sealed(seal, fixed),
        expires_at=NOW + 3600,
        seen_at=NOW,
        began_at=SESSION.began_at,
        organizations=frozenset({organization_digest(ISSUER, "contosoorg01")}),
        client_ip="192.0.2.1",
        client_agent="test",
    )
    guards = CommitGuards(
        subject=subject_digest(ISSUER, SUBJECT),
        op_session=op_session_digest(ISSUER, SID),
        in_flight_since=NOW * 1000,
        authenticated_from=SESSION.began_at,
    )
    transaction = TRANSACTION.seal(state=STATE, cookie=COOKIE, expires_at=NOW + 3600, random=fixed)
    assert transaction.key == transaction_key(STATE)
    SessionTable(calls).put_transaction(transaction)
    SessionTable(calls).commit_session(item, listings_of(SESSION, seal.key), guards, previous=())
    token = TOKEN.seal(HANDLE.token_seal(TARGET, SESSION.token_key), fixed)
    RefreshLeases(calls).finish(seal.key, "an-owner", item.sealed, token)
    calls.writes.append({"replay": replay_key(ISSUER, "a-token-id")})
    return list(calls.writes)


def as_text(writes: list[dict[str, Any]]) -> str:
    """Return the records as JSON, with bytes as base64."""

    def plain(value: object) -> object:
        assert isinstance(value, bytes)
        return {"base64": base64.b64encode(value).decode()}

    return json.dumps(writes, indent=1, sort_keys=True, default=plain) + "\n"


if __name__ == "__main__":
    (RELEASES / f"{sys.argv[1]}.json").write_text(as_text(records()))
