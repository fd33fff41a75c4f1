"""Seeds of the fuzzer: valid inputs, so that it gets past the first check."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_SECRET = "A" * 43
_HEADER = "eyJhbGciOiJFUzM4NCIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ"

SEEDS: dict[str, list[bytes]] = {
    "cookie": [f"a=b; __Host-session={_SECRET}; __Host-signin-abcdef={_SECRET}".encode()],
    "query": [
        f"state={_SECRET}&code=abc&iss=https%3A%2F%2Ftenant.logto.app%2Foidc".encode(),
        b"return_to=%2Forders&first_screen=register&prompt=login&connector=abc&ui_locales=de",
    ],
    "return_to": [
        b"/orders?a=1#b",
        b"//evil.test",
        b"/%2e%2e//evil.test",
        b"/\\evil.test",
        b"/wiki//a%2Fb;c",
    ],
    "event": [path.read_bytes() for path in sorted((ROOT / "events").glob("*.json"))],
    "token": [f"{_HEADER}.e30.AAAA".encode()],
    "answer": [
        b'{"access_token":"a","token_type":"Bearer","expires_in":1,"id_token":"b"}',
        json.dumps({"keys": [{"kty": "EC", "use": "sig"}]}).encode(),
        b'{"issuer":"https://tenant.logto.app/oidc","jwks_uri":"https://tenant.logto.app/jwks"}',
    ],
    "webhook": [
        b'{"event":"User.Deleted","createdAt":"2026-11-02T09:00:00.000Z","data":{"id":"abc"}}',
        b'{"event":"User.SuspensionStatus.Updated","data":{"id":"abc","isSuspended":true}}',
    ],
    "sealed": [b"\x00" * 40],
}
