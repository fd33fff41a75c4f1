"""The authorization endpoint: from an application's request to its code."""

import re
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.logto import webhooks
from local.logto.clients import authenticate
from local.logto.discovery import SCOPES
from local.logto.state import AuthorizationRequest, Code, Grant, Session, StandInState, new_token
from local.logto.tenant import ORGANIZATION_RESOURCE, Application, Tenant
from local.oauth import parameters
from local.oauth.errors import RedirectedRefusal, Refusal
from local.oauth.parameters import Parameters

SESSION_COOKIE: Final = "_session"
INTERACTION_COOKIE: Final = "_interaction"
_SCREENS: Final = {
    "sign_in": "/sign-in",
    "register": "/register",
    "single_sign_on": "/single-sign-on",
    "identifier:sign_in": "/identifier-sign-in",
    "identifier:register": "/identifier-register",
    "reset_password": "/reset-password",
}
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS: Final = frozenset({"none", "login", "consent"})
_PUSHED_SECONDS: Final = 60
_PUSHED: Final = "urn:ietf:params:oauth:request_uri:"


async def _authorize(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    given = (
        await parameters.form(request) if request.method == "POST" else parameters.query(request)
    )
    given = _pushed(given, state)
    application, redirect_uri = _check_client(given, state.tenant)
    try:
        pending = _check_request(given, application, redirect_uri, state.tenant)
        session = _usable_session(request, pending, state)
        if session is not None:
            return await _code_response(request, pending, session, state)
        if "none" in pending.prompts:
            raise RedirectedRefusal("login_required", "End-User authentication is required")
    except RedirectedRefusal as refusal:
        answer = {"error": refusal.error, "error_description": refusal.description}
        if "state" in given:
            answer["state"] = given["state"]
        return _redirect(redirect_uri, {**answer, "iss": state.issuer})
    return _interact(given, pending, state)


def _pushed(given: Parameters, state: StandInState) -> Parameters:
    """The parameters that were pushed before (RFC 9126 section 4), if the request names them."""
    if "request_uri" not in given:
        return given
    pushed, expires_at = state.pushed.pop(given["request_uri"], ("", 0.0))
    if state.clock() >= expires_at:
        raise Refusal("invalid_request", "`request_uri` is invalid, expired, or was already used")
    return Parameters(pushed)


def _check_client(given: Parameters, tenant: Tenant) -> tuple[Application, str]:
    application = tenant.applications.get(given.need("client_id"))
    if application is None:
        raise Refusal("invalid_client", "client is invalid")
    redirect_uri = given.need("redirect_uri")
    if redirect_uri not in application.redirect_uris:
        raise Refusal(
            "invalid_redirect_uri",
            "`redirect_uri` did not match any of the client's registered `redirect_uris`",
        )
    return application, redirect_uri


def _check_request(
    given: Parameters, application: Application, redirect_uri: str, tenant: Tenant
) -> AuthorizationRequest:
    if given.get("response_type") != "code":
        raise RedirectedRefusal("unsupported_response_type", "only `code` is supported")
    if given.get("response_mode", "query") != "query":
        raise RedirectedRefusal("invalid_request", "unsupported response_mode requested")
    scopes = tuple(dict.fromkeys(given.get("scope", "").split()))
    if "openid" not in scopes:
        raise RedirectedRefusal("invalid_request", "openid scope must be requested")
    if given.get("code_challenge_method", "plain") != "S256":
        raise RedirectedRefusal("invalid_request", "not supported value of code_challenge_method")
    if not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        raise RedirectedRefusal("invalid_request", "Authorization Server policy requires PKCE")
    prompts = frozenset(given.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RedirectedRefusal("invalid_request", "invalid prompt value, or combination of them")
    for indicator in given.resources:
        if indicator not in tenant.resources and indicator != ORGANIZATION_RESOURCE:
            raise RedirectedRefusal("invalid_target", "resource indicator is missing, or unknown")
    max_age = given.get("max_age", "")
    if max_age and not max_age.isdecimal():
        raise RedirectedRefusal("invalid_request", "invalid max_age parameter value")
    offered = {scope for name in given.resources for scope in _resource_scopes(name, tenant)}
    return AuthorizationRequest(
        client_id=application.id,
        redirect_uri=redirect_uri,
        # Unknown scopes are ignored, and `offline_access` without consent is dropped.
        scopes=tuple(
            scope
            for scope in scopes
            if scope in {*SCOPES, *offered} and (scope != "offline_access" or "consent" in prompts)
        ),
        state=given.get("state"),
        nonce=given.get("nonce"),
        code_challenge=given["code_challenge"],
        prompts=prompts,
        resources=tuple(dict.fromkeys(given.resources)),
        max_age=int(max_age) if max_age else None,
        login_hint=given.get("login_hint"),
    )


def _resource_scopes(indicator: str, tenant: Tenant) -> tuple[str, ...]:
    resource = tenant.resources.get(indicator)
    return tuple(resource.scopes) if resource else ()


def _usable_session(
    request: Request, pending: AuthorizationRequest, state: StandInState
) -> Session | None:
    """The browser's session, if this request can be answered without a sign-in."""
    session = state.active_session(request.cookies.get(SESSION_COOKIE, ""))
    if session is None or "login" in pending.prompts or not state.active_user(session.user_id):
        return None
    if pending.max_age is not None and state.clock() - session.signed_in_at > pending.max_age:
        return None
    return session


def _interact(given: Parameters, pending: AuthorizationRequest, state: StandInState) -> Response:
    """Send the browser to the first screen, or straight to a connector."""
    interaction = new_token()
    state.interactions[interaction] = pending
    kind, _, connector = given.get("direct_sign_in", "").partition(":")
    if kind == "sso":
        # The screen itself checks that enterprise SSO is on.
        path = f"/direct/sso/{connector}" if connector in state.tenant.connectors else "/sign-in"
    elif "first_screen" in given:
        path = _SCREENS.get(given["first_screen"], "/sign-in")
    else:
        path = "/register" if given.get("interaction_mode") == "signUp" else "/sign-in"
    response = RedirectResponse(f"{state.url}{path}?interaction={interaction}", 303)
    response.set_cookie(INTERACTION_COOKIE, interaction, httponly=True, samesite="lax")
    response.set_cookie("_interaction_resume", interaction, httponly=True, samesite="lax")
    response.set_cookie("_logto", "%7B%22appId%22%3A%22" + pending.client_id + "%22%7D")
    return response


async def _resume(request: Request) -> Response:
    """Continue a finished interaction: start the session, and give the application its code."""
    state: StandInState = request.app.state.stand_in
    interaction = request.path_params["interaction"]
    pending = state.interactions.pop(interaction, None)
    user_id = state.signed_in.pop(interaction, None)
    if pending is None or user_id is None:
        raise Refusal("invalid_request", "authorization request has expired")
    session = Session(user_id=user_id, signed_in_at=int(state.clock()))
    state.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
    identifier = new_token()
    state.sessions[identifier] = session
    response = await _code_response(request, pending, session, state)
    response.set_cookie(SESSION_COOKIE, identifier, httponly=True, samesite="lax")
    for name in (INTERACTION_COOKIE, "_interaction_resume"):
        response.delete_cookie(name, httponly=True, samesite="lax")
    return response


async def _code_response(
    request: Request, pending: AuthorizationRequest, session: Session, state: StandInState
) -> Response:
    """Answer with the authorization response: code, state and issuer (RFC 9207)."""
    application = state.tenant.applications.get(pending.client_id)
    always = application is not None and application.always_issue_refresh_token
    now = state.clock()
    grant = Grant(
        issued_at=int(now),
        client_id=pending.client_id,
        user_id=session.user_id,
        scopes=pending.scopes,
        resources=pending.resources,
        nonce=pending.nonce,
        sid=session.sids.setdefault(pending.client_id, new_token()),
        auth_time=session.signed_in_at if pending.max_age is not None else None,
        refreshable="offline_access" in pending.scopes or always,
    )
    session.grants[pending.client_id] = grant.id
    state.grants[grant.id] = grant
    await _revoke_surplus_grants(request, grant, state)
    code = new_token()
    expires_at = now + state.tenant.code_seconds
    state.codes[code] = Code(grant=grant, request=pending, expires_at=expires_at)
    answer = {"code": code}
    if pending.state is not None:
        answer["state"] = pending.state
    return _redirect(pending.redirect_uri, {**answer, "iss": state.issuer})


async def _revoke_surplus_grants(request: Request, grant: Grant, state: StandInState) -> None:
    """Revoke the user's oldest grants if there are more than the application allows."""
    application = state.tenant.applications.get(grant.client_id)
    limit = application.max_allowed_grants if application else None
    active = [one for one in state.active_grants(grant.user_id) if one.client_id == grant.client_id]
    surplus = active[: len(active) - limit] if limit is not None and len(active) > limit else []
    for one in surplus:
        one.revoked = True
    if surplus:
        details = {
            "userId": grant.user_id,
            "applicationId": grant.client_id,
            "revokedGrantIds": [one.id for one in surplus],
            "maxAllowedGrants": limit,
            "preRevocationActiveGrantCount": len(active),
        }
        await webhooks.send(state, webhooks.GRANT_LIMIT, webhooks.caller_of(request), details)


def _redirect(uri: str, answer: dict[str, str]) -> Response:
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}", 303)


async def _push(request: Request) -> Response:
    """Accept a pushed authorization request (RFC 9126)."""
    state: StandInState = request.app.state.stand_in
    given = await parameters.form(request)
    application = authenticate(request, given, state.tenant)
    given["client_id"] = application.id
    _check_client(given, state.tenant)
    name = _PUSHED + new_token()
    kept = [(key, value) for key, value in given.items() if key != "client_secret"]
    encoded = urlencode([*kept, *(("resource", r) for r in given.resources)])
    state.pushed[name] = (encoded, state.clock() + _PUSHED_SECONDS)
    return JSONResponse({"expires_in": _PUSHED_SECONDS, "request_uri": name}, 201)


async def _device(request: Request) -> Response:
    """Refuse the device flow, which a Traditional web application does not have."""
    state: StandInState = request.app.state.stand_in
    authenticate(request, await parameters.form(request), state.tenant)
    raise Refusal("unauthorized_client", "the device flow is not allowed for this client")


routes = [
    Route("/oidc/auth", _authorize, methods=["GET", "POST"]),
    Route("/oidc/auth/{interaction}", _resume),
    Route("/oidc/request", _push, methods=["POST"]),
    Route("/oidc/device/auth", _device, methods=["POST"]),
]
