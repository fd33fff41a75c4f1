"""OpenID Connect Back-Channel Logout 1.0: a logout token ends the sessions that it names."""

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
"""How long a used token is remembered: longer than any can be valid."""


def log_out(message: HttpApiRequest, services: Services) -> None:
    """Check the token and end its sessions.

    Raises MessageRefused for a token that fails a check or comes again, and Unavailable, after
    which the same token may be sent again: it counts as used only when all has been done.
    """
    token = _checked(_posted_token(message), services)
    guard = replay_key(services.settings.issuer, token.token_id)
    if services.revocations().is_there(guard):
        raise MessageRefused("the logout token has been used already")
    count = _end(token, services)
    owner = base64url.encode(services.random(12))
    expires_at = int(services.clock()) + REPLAY_SECONDS
    if not services.revocations().put_once(guard, owner, expires_at=expires_at):
        raise MessageRefused("the logout token has been used already")
    services.observer.count(SESSIONS_ENDED, value=count)
    services.observer.event("logged out by Logto", sessions=count)


def _posted_token(message: HttpApiRequest) -> str:
    if message.content_type != "application/x-www-form-urlencoded":
        raise MessageRefused("a logout token comes as a form")
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
    known = provider.metadata(services.deadline)
    try:
        try:
            return check_logout_token(token, known, client_id=client_id, now=services.clock())
        except KeyUnknown:
            known = provider.refetched_or_unavailable(services.deadline)
            return check_logout_token(token, known, client_id=client_id, now=services.clock())
    except IdTokenInvalid as failure:
        raise MessageRefused(str(failure)) from None


def _end(token: LogoutToken, services: Services) -> int:
    if token.op_session is not None:
        return end_op_session(token.op_session, subject=token.subject, services=services)
    return end_subject(str(token.subject), until=token.issued_at, services=services)
