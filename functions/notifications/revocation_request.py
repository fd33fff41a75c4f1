"""A revocation that a checked message requests: its form in the queue, and carrying it out.

It may be carried out late, and more than once, and means every time what it would have meant at
once: sessions that began after the event go on, and so do sign-ins that began after its arrival.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from shared.errors import MessageRefused
from shared.observability import MESSAGE_QUEUED, SESSIONS_ENDED
from shared.oidc.id_token import is_identifier
from shared.parsing import base64url
from shared.parsing.strict_json import parse_json_object
from shared.revocation import end_op_session, end_subject
from shared.services import Services
from shared.store.keys import replay_key

REPLAY_SECONDS: Final = 3600
"""How long a used token is remembered: longer than a token is valid."""
_VERSION: Final = 1
_LARGEST_TIME: Final = 10**15

Kind = Literal["backchannel_logout", "webhook"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationRequest:
    """What is needed to carry out a message later, and nothing else of the message."""

    kind: Kind
    subject: str | None
    op_session: str | None
    """The session at Logto (`sid`): only its sessions end, if it is given."""
    until: int
    """Sessions of the subject that began up to then end; Unix seconds by Logto's clock."""
    arrived_at: int
    """When the message arrived, in milliseconds by this deployment's clock."""
    token_id: str | None
    """The `jti` of a logout token, which counts as used when its sessions have ended."""

    @classmethod
    def from_text(cls, text: object) -> "RevocationRequest":
        """Parse a message of the queue. Raises MessageRefused, also for one of a later version."""
        if not isinstance(text, str):
            raise MessageRefused("the queued message is not text")
        try:
            members = parse_json_object(text.encode("utf-8", "replace"))
        except ValueError as fault:
            raise MessageRefused(f"the queued message: {fault}") from None
        if members.pop("v", None) != _VERSION or set(members) != set(cls.__dataclass_fields__):
            raise MessageRefused("the queued message does not have the members of this version")
        if not _is_valid(members):
            raise MessageRefused("the queued message has a member that is not valid")
        return cls(**members)

    @property
    def text(self) -> str:
        """The form in the queue."""
        return json.dumps({"v": _VERSION, **asdict(self)}, separators=(",", ":"))


def carry_out(request: RevocationRequest, services: Services) -> bool:
    """End the sessions; False if the token was used. After a failure, carry it out again."""
    revocations = services.revocations()
    token_id = request.token_id
    guard = replay_key(services.settings.issuer, token_id) if token_id is not None else None
    if guard is not None and revocations.exists(guard):
        return False
    count = _end(request, services)
    if guard is not None:
        # Only now: a token counts as used when its sessions have ended, so after a failure half-way
        # it can be sent again. If two deliveries overlap, both end the sessions and one is refused.
        owner = base64url.encode(services.random(12))
        expires_at = int(services.clock()) + REPLAY_SECONDS
        if not revocations.put_once(guard, owner, expires_at=expires_at):
            return False
    services.observer.count(SESSIONS_ENDED, value=count)
    services.observer.event("sessions ended by Logto", kind=request.kind, sessions=count)
    return True


def carry_out_or_queue(request: RevocationRequest, services: Services) -> bool:
    """Carry out a request at once, or put it into the queue and return False.

    Logto sends a message once, so whatever prevents it, a checked request is queued. Raises
    MessageRefused if its token was used, Unavailable if it is not even queued: then it is lost.
    """
    if services.settings.revocation_queue_url is None:
        done = carry_out(request, services)
    else:
        try:
            done = carry_out(request, services.before(services.limits.queue_seconds))
        except Exception as failure:  # noqa: BLE001 - reported, and the request is not lost
            services.observer.failure("message not carried out", failure)
            message_id = services.revocation_queue().send(request.text)
            services.observer.count(MESSAGE_QUEUED)
            # A delivery of the queue is logged with this id as its correlation id.
            services.observer.event("message queued", kind=request.kind, message_id=message_id)
            return False
    if not done:
        raise MessageRefused("the logout token has been used already")
    return True


def _end(request: RevocationRequest, services: Services) -> int:
    if request.op_session is not None:
        return end_op_session(request.op_session, subject=request.subject, services=services)
    return end_subject(
        str(request.subject), until=request.until, arrived_at=request.arrived_at, services=services
    ).sessions


def _is_valid(members: Mapping[str, Any]) -> bool:
    names = [members[name] for name in ("subject", "op_session", "token_id")]
    return (
        members["kind"] in get_args(Kind)
        and all(name is None or is_identifier(name) for name in names)
        and (members["subject"] is not None or members["op_session"] is not None)
        and all(_is_time(members[name]) for name in ("until", "arrived_at"))
    )


def _is_time(value: object) -> bool:
    return type(value) is int and abs(value) < _LARGEST_TIME
