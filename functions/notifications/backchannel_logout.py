"""Judge logout tokens of OpenID Connect Back-Channel Logout 1.0, which end sessions."""

from typing import Any

from functions.notifications.logout_token import check_logout_token
from functions.notifications.revocation_request import RevocationRequest
from shared.errors import IdTokenInvalid, MalformedRequest, MessageRefused
from shared.oidc.id_token import KeyUnknown
from shared.parsing.form import parse_query
from shared.services import Services
from shared.web.http_api import HttpApiRequest


def judge_logout_token(message: HttpApiRequest, services: Services) -> RevocationRequest:
    """Check the posted logout token. Raises MessageRefused, others if it cannot be checked."""
    arrived_at = int(services.clock() * 1000)
    claims = _checked(_posted_token(message), services)
    return RevocationRequest(
        kind="backchannel_logout",
        subject=claims.get("sub"),
        op_session=claims.get("sid"),
        until=int(claims["iat"]),
        arrived_at=arrived_at,
        token_id=claims["jti"],
    )


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


def _checked(token: str, services: Services) -> dict[str, Any]:
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
