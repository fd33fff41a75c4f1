"""Log out by OpenID Connect Back-Channel Logout 1.0: a logout token ends sessions."""

from functions.notifications.logout_token import LogoutToken, check_logout_token
from shared.errors import IdTokenInvalid, MalformedRequest, MessageRefused
from shared.observability import SESSIONS_ENDED
from shared.oidc.id_token import KeyUnknown
from shared.parsing import base64url
from shared.parsing.form import parse_query
from shared.revocation import end_op_session, end_subject
from shared.services import Services
from shared.store.keys import replay_key
from shared.web.http_api import HttpApiRequest

REPLAY_SECONDS = 3600
"""How long a used token is remembered: longer than a token is valid."""


def log_out(message: HttpApiRequest, services: Services) -> None:
    """Check the logout token and end the sessions that it names.

    Raises MessageRefused for a token that fails a check or was used before. Raises Unavailable, and
    then Logto may send the same token again.
    """
    token = _checked(_posted_token(message), services)
    guard = replay_key(services.settings.issuer, token.token_id)
    if services.revocations().exists(guard):
        raise MessageRefused("the logout token has been used already")
    count = _end(token, services)
    # Only now: a token counts as used when its sessions have ended, so after a failure half-way it
    # can be sent again. If two deliveries overlap, both end the sessions and one is refused.
    owner = base64url.encode(services.random(12))
    expires_at = int(services.clock()) + REPLAY_SECONDS
    if not services.revocations().put_once(guard, owner, expires_at=expires_at):
        raise MessageRefused("the logout token has been used already")
    services.observer.count(SESSIONS_ENDED, value=count)
    services.observer.event("logged out by Logto", sessions=count)


def _posted_token(message: HttpApiRequest) -> str:
    if message.content_type != "application/x-www-form-urlencoded":
        raise MessageRefused("the body is not a form")
    if message.body is None:
        raise MessageRefused("the form cannot be read")
    try:
        form = parse_query(message.body, free=frozenset({"logout_token"}))
    except MalformedRequest as fault:
        raise MessageRefused(str(fault)) from None
    if "logout_token" not in form:
        raise MessageRefused("the form holds no `logout_token`")
    return form["logout_token"]


def _checked(token: str, services: Services) -> LogoutToken:
    provider, client_id = services.provider(), services.settings.logto_app_id
    metadata = provider.metadata(services.deadline)
    try:
        try:
            return check_logout_token(token, metadata, client_id=client_id, now=services.clock())
        except KeyUnknown:
            # Logto may have rotated its keys. If they cannot be fetched, the message must not be
            # refused: Logto would not send it again.
            metadata = provider.refetched_or_unavailable(services.deadline)
            return check_logout_token(token, metadata, client_id=client_id, now=services.clock())
    except IdTokenInvalid as failure:
        raise MessageRefused(str(failure)) from None


def _end(token: LogoutToken, services: Services) -> int:
    if token.op_session is not None:
        return end_op_session(token.op_session, subject=token.subject, services=services)
    # Sessions that began after the logout stay.
    return end_subject(str(token.subject), until=token.issued_at, services=services).sessions
