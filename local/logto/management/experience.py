"""The sign-in experience: the switch of enterprise SSO, and members that are only stored."""

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


routes = [
    api_route("/sign-in-exp", "GET", _read),
    api_route("/sign-in-exp", "PATCH", _patch),
]
