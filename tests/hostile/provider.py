"""An evil OpenID provider: a real HTTP server on loopback whose every answer a test can change."""

import contextlib
import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

DISCOVERY = "/oidc/.well-known/openid-configuration"
KEYS = "/oidc/jwks"
TOKEN = "/oidc/token"
REVOCATION = "/oidc/token/revocation"
INTROSPECTION = "/oidc/token/introspection"
USERINFO = "/oidc/me"
SUBJECT = "user-of-the-evil-provider"
ES384 = ECKey.generate_key("P-384", {"kid": "es384", "use": "sig", "alg": "ES384"})
RS256 = RSAKey.generate_key(2048, {"kid": "rs256", "use": "sig", "alg": "RS256"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer, and how it misbehaves. Times are seconds, sizes bytes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    """Close the connection with a reset instead of answering."""
    pause: float = 0
    """Wait before answering."""
    drip: float = 0
    """Wait before each byte of the body."""
    endless: int = 0
    """Send so many bytes instead of the body, as fast as they are taken."""
    promised: int | None = None
    """What Content-Length says, if not the truth."""


Responder = Callable[[dict[str, str]], Answer]


def as_json(value: object, **changes: Any) -> Answer:
    """Return a JSON answer."""
    kind = {"content-type": "application/json"}
    return Answer(body=json.dumps(value).encode(), headers=kind, **changes)


class EvilProvider:
    """Answers like a good provider unless a test changes an answer.

    `secrets` are the canaries: values that were issued or received and must not appear anywhere.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        """Be good again, and forget everything."""
        self.requests: list[tuple[str, str]] = []
        self.secrets: set[str] = {"local-app-secret"}
        self.keys: list[Key] = [ES384]
        self.algorithms = ["ES384"]
        self.responders: dict[str, Responder] = {}
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.id_token: Callable[[dict[str, Any]], str] = self.signed
        self.token_response: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
        self.metadata: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
        self.userinfo: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
        self.nonces: dict[str, str] = {}
        self.clock: Callable[[], float] = time.time
        self.rotates = False
        """Whether each refresh rotates the refresh token, as Logto does late in the token's life."""
        self.introspects = True
        self.refresh_nonces: dict[str, str] = {}
        self.redeemed: list[str] = []
        """Every refresh token that was sent, in order."""
        self.grant_ended = False

    @property
    def issuer(self) -> str:
        return f"{self.url}/oidc"

    def code_for(self, nonce: str) -> str:
        """Return a code whose ID token carries this nonce."""
        code = self.canary("code")
        self.nonces[code] = nonce
        return code

    def canary(self, kind: str) -> str:
        """Return a new secret that must not appear anywhere."""
        secret = f"canary-{kind}-{uuid.uuid4().hex}"
        self.secrets.add(secret)
        return secret

    def good_claims(self, nonce: str) -> dict[str, Any]:
        now = int(self.clock())
        return {
            "iss": self.issuer,
            "sub": SUBJECT,
            "aud": "local-app",
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
            "name": "Mallory of the evil provider",
            "email": "mallory@evil.test",
        }

    def signed(self, claims: dict[str, Any], key: Key | None = None, **header: Any) -> str:
        """Return a compact JWS; a header of None is left out."""
        signing = key or self.keys[0]
        algorithm = header.get("alg") or signing.alg or "ES384"
        full = {"alg": algorithm, "kid": signing.kid, **header}
        full = {name: value for name, value in full.items() if value is not None}
        token = jwt.encode(full, claims, signing, algorithms=[str(algorithm)])
        self.secrets.add(token)
        return token

    def count(self, path: str) -> int:
        """Return how often a path was requested."""
        return sum(1 for _, requested in self.requests if requested == path)

    def answer(self, method: str, path: str, form: dict[str, str]) -> Answer:
        """Return the answer to one request."""
        self.requests.append((method, path))
        if path in self.responders:
            return self.responders[path](form)
        if path == DISCOVERY:
            return as_json(self.metadata(self._document()))
        if path == KEYS:
            return as_json({"keys": [key.as_dict(private=False) for key in self.keys]})
        if path == TOKEN:
            return self.tokens(form)
        if path == INTROSPECTION and self.introspects:
            return as_json({"active": self._redeemable(form.get("token", ""))})
        if path == USERINFO:
            return as_json(self.userinfo({"sub": SUBJECT, "sso_identities": []}))
        return Answer(status=200 if path == REVOCATION else 404)

    def tokens(self, form: dict[str, str]) -> Answer:
        """Answer as the token endpoint does. Sending a rotated refresh token again ends the grant."""
        if form.get("grant_type") == "refresh_token":
            sent = form.get("refresh_token", "")
            again = self.rotates and sent in self.redeemed
            self.redeemed.append(sent)
            self.grant_ended = self.grant_ended or again
            if self.grant_ended or sent not in self.refresh_nonces:
                return as_json({"error": "invalid_grant"}, status=400)
        return as_json(self.token_response(self.good_tokens(form)))

    def _redeemable(self, token: str) -> bool:
        spent = self.rotates and token in self.redeemed
        return token in self.refresh_nonces and not spent and not self.grant_ended

    def good_tokens(self, form: dict[str, str]) -> dict[str, Any]:
        sent = form.get("refresh_token")
        nonce = self.refresh_nonces[sent] if sent else self.nonces.get(form.get("code", ""), "")
        refresh_token = sent if sent and not self.rotates else self.canary("refresh")
        self.refresh_nonces[refresh_token] = nonce
        return {
            "access_token": self.canary("access"),
            "refresh_token": refresh_token,
            "id_token": self.id_token(self.claims(self.good_claims(nonce))),
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid offline_access profile email",
        }

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": self.url + TOKEN,
            "userinfo_endpoint": self.url + USERINFO,
            "jwks_uri": self.url + KEYS,
            "end_session_endpoint": f"{self.issuer}/session/end",
            "revocation_endpoint": self.url + REVOCATION,
            **({"introspection_endpoint": self.url + INTROSPECTION} if self.introspects else {}),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": self.algorithms,
            "authorization_response_iss_parameter_supported": True,
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: EvilProvider

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect, which many tests do on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes
    server: _Server

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(dict(parse_qsl(body.decode())))

    def _answer(self, form: dict[str, str]) -> None:
        answer = self.server.provider.answer(self.command, self.path, form)
        time.sleep(answer.pause)
        if answer.reset:
            linger = struct.pack("ii", 1, 0)  # close with a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(answer.status)
        size = answer.endless or len(answer.body)
        self.send_header("content-length", str(answer.promised or size))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self._send_body(answer)
        if answer.promised is not None:
            self.close_connection = True

    def _send_body(self, answer: Answer) -> None:
        for _ in range(answer.endless // 65_536):
            self.wfile.write(b"x" * 65_536)
        if answer.drip:
            for byte in answer.body:
                time.sleep(answer.drip)
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        elif not answer.endless:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def evil_provider() -> Iterator[EvilProvider]:
    """Run an evil provider on a free port while the context lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider = EvilProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
