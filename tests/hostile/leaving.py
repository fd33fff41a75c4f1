"""Logouts that Logto sends: the function for its messages, and users with sessions."""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from joserfc import jws
from joserfc.jwk import Key

from harness.browser import FETCH
from harness.functions import Notifications, started_notifications
from local.http_event import http_event
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import Scene, Witnessed

EVENT = "http://schemas.openid.net/event/backchannel-logout"
FORM = "application/x-www-form-urlencoded"
MALLORY, OTHER = SUBJECT, "another-user"
ALL = frozenset({"first", "second", "other"})
"""Two sessions of one user, each of its own session at Logto, and one of another user."""


@dataclass(slots=True)
class Leaving:
    """A scene with people signed in, and the function that Logto's messages go to."""

    scene: Scene
    notifications: Notifications
    people: dict[str, Witnessed] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    first: str = "first"
    """The person whose session at Logto a valid logout token names."""

    def sign_in(self, name: str, subject: str = MALLORY) -> Witnessed:
        """Sign a person in, with a `sid` of their own."""
        self.people[name] = self.finish(self.scene.begin(), name, subject)
        assert name in self.alive()
        return self.people[name]

    def finish(self, attempt: Any, name: str, subject: str = MALLORY) -> Witnessed:
        """Finish a sign-in with this subject and with the `sid` that goes by this name."""
        provider = self.scene.provider
        provider.claims = lambda claims: {**claims, "sub": subject, "sid": self.sid(name)}
        self.scene.finish(attempt)
        provider.claims = lambda claims: claims
        browser: Witnessed = attempt.browser
        return browser

    def sid(self, name: str) -> str:
        """Return a person's session at Logto. No log or answer may contain it."""
        sid = f"canary-sid-{name.encode().hex()}"
        self.scene.provider.secrets.add(sid)
        return sid

    def alive(self) -> frozenset[str]:
        """Return the people whose sessions exist."""
        answers = {name: browser.get("/me", FETCH) for name, browser in self.people.items()}
        assert {reply.status for reply in answers.values()} <= {200, 401}
        return frozenset(name for name, reply in answers.items() if reply.status == 200)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a valid logout token of the first person; None removes one."""
        now = int(self.scene.process.clock())
        values = {
            "iss": self.scene.provider.issuer,
            "aud": "local-app",
            "iat": now,
            "exp": now + 120,
            "jti": self.scene.provider.canary("jti"),
            "events": {EVENT: {}},
            "sub": MALLORY,
            "sid": self.sid(self.first),
        }
        return {n: v for n, v in {**values, **changes}.items() if v is not None}

    def sign(self, claims: Mapping[str, Any], key: Key | None = None, **header: Any) -> str:
        """Return a compact JWS of a logout token; a header of None is left out."""
        signing = key or self.scene.provider.keys[0]
        full = {"alg": str(signing.alg), "kid": signing.kid, "typ": "logout+jwt", **header}
        full = {name: value for name, value in full.items() if value is not None}
        token = jws.serialize_compact(
            full, json.dumps(claims), signing, algorithms=[str(full["alg"])]
        )
        self.scene.provider.secrets.add(token)
        return token

    def token(self, **changes: Any) -> str:
        """Return a logout token that is valid except for these claims."""
        return self.sign(self.claims(**changes))

    def log_out(self, token: str) -> int:
        """Post a logout token. Return the answer's status."""
        return self.post({"logout_token": token})

    def post(
        self,
        form: Mapping[str, str] | str,
        *,
        kind: str | None = FORM,
        method: str = "POST",
        path: str = "/backchannel-logout",
        **event: Any,
    ) -> int:
        """Post a form, in an event with these changes. Return the answer's status."""
        body = form if isinstance(form, str) else urlencode(form)
        headers = {"content-type": kind} if kind is not None else {}
        return self.send({**http_event(method, path, headers=headers, body=body), **event})

    def send(self, event: dict[str, Any]) -> int:
        """Send an event and check the form of the answer. Return its status."""
        answer = self.notifications.handler(event, None)
        self.answers.append(answer)
        assert set(answer) == {"statusCode", "headers", "body"}
        assert answer["headers"]["cache-control"] == "no-store"
        body = json.loads(answer["body"])
        if answer["statusCode"] in (200, 202):
            assert body == {}
        else:
            assert set(body) == {"error", "correlation_id"}
            assert body["correlation_id"] == answer["headers"]["x-correlation-id"]
        if answer["statusCode"] == 503:
            assert answer["headers"]["retry-after"]
        return int(answer["statusCode"])

    def search(self) -> None:
        """Search the answers for canaries; the scene searches what was written."""
        shown = json.dumps(self.answers)
        assert not [secret for secret in self.scene.canaries() if secret in shown]


@contextmanager
def leaving(scene: Scene, **changes: Any) -> Iterator[Leaving]:
    """Prepare two sessions of one user, one of another, and one process for messages."""
    with started_notifications(scene.process, limits=scene.limits, **changes) as started:
        stage = Leaving(scene, started)
        stage.sign_in("first")
        stage.sign_in("second")
        stage.sign_in("other", OTHER)
        scene.provider.requests.clear()
        yield stage
        stage.search()


def as_text(form: Mapping[str, str]) -> dict[str, Any]:
    """Return an event's body as API Gateway passes it on as text."""
    return {"body": urlencode(form), "isBase64Encoded": False}


def as_base64(form: Mapping[str, str]) -> dict[str, Any]:
    """Return an event's body as API Gateway encodes it."""
    body = base64.b64encode(urlencode(form).encode()).decode()
    return {"body": body, "isBase64Encoded": True}


def fresh() -> str:
    """Return a name that is not used yet."""
    return uuid.uuid4().hex
