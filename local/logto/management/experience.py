"""The sign-in experience, the account center and the settings of ID tokens."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.logto.management.access import Body, api_route, body_of
from local.logto.state import StandInState

_STORED: Final[dict[str, Any]] = {
    "signInMode": "SignInAndRegister",
    "color": {"primaryColor": "#5D34F2", "isDarkModeEnabled": False},
    "branding": {},
    "languageInfo": {"autoDetect": True, "fallbackLanguage": "en"},
    "customCss": None,
    "unknownSessionRedirectUrl": None,
}
_ACCOUNT_CENTER: Final[dict[str, Any]] = {
    "enabled": False,
    "fields": {},
    "webauthnRelatedOrigins": [],
}


async def _read(request: Request, state: StandInState) -> Response:
    return JSONResponse(_shown(state))


async def _patch(request: Request, state: StandInState) -> Response:
    kinds: dict[str, type | tuple[type, ...]] = dict.fromkeys(_STORED, (str, dict, type(None)))
    body = await body_of(request, singleSignOnEnabled=bool, **kinds)
    enabled = body.pop("singleSignOnEnabled", state.tenant.single_sign_on_enabled)
    state.tenant.single_sign_on_enabled = enabled
    state.tenant.sign_in_experience |= body
    return JSONResponse(_shown(state))


def _shown(state: StandInState) -> Body:
    return {
        "tenantId": "default",
        "id": "default",
        **_STORED,
        **state.tenant.sign_in_experience,
        "singleSignOnEnabled": state.tenant.single_sign_on_enabled,
    }


async def _read_account_center(request: Request, state: StandInState) -> Response:
    return JSONResponse(_account_center(state))


async def _patch_account_center(request: Request, state: StandInState) -> Response:
    body = await body_of(request, enabled=bool, fields=dict, webauthnRelatedOrigins=list)
    state.tenant.account_center |= body
    return JSONResponse(_account_center(state))


def _account_center(state: StandInState) -> Body:
    stored = {**_ACCOUNT_CENTER, **state.tenant.account_center}
    return {"tenantId": "default", "id": "default", **stored}


async def _id_token(request: Request, state: StandInState) -> Response:
    """Show the extended claims that ID tokens have."""
    claims = ["roles", "organizations", "organization_roles"]
    return JSONResponse({"enabledExtendedClaims": claims})


routes = [
    api_route("/account-center", "GET", _read_account_center),
    api_route("/account-center", "PATCH", _patch_account_center),
    api_route("/configs/id-token", "GET", _id_token),
    api_route("/sign-in-exp", "GET", _read),
    api_route("/sign-in-exp", "PATCH", _patch),
]
