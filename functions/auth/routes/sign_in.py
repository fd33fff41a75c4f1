"""GET and POST /sign-in: to Logto, with a transaction of its own for every attempt."""

from fastapi import APIRouter, Request, Response

from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect
from functions.auth.sign_in import TARGETS, TRANSACTION_SECONDS, parse_sign_in, start_sign_in
from shared.errors import MalformedRequest
from shared.parsing.form import parse_query

router = APIRouter()


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    incoming = BrowserRequest(request)
    return await _start(incoming, parse_query(request.scope["query_string"], free=TARGETS))


@router.post("/sign-in")
async def sign_in_by_form(request: Request) -> Response:
    """Third-party-initiated login may come as a form (OIDC Core section 4)."""
    incoming = BrowserRequest(request)
    kind = incoming.header("content-type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise MalformedRequest("a sign-in is posted as a form")
    return await _start(incoming, parse_query(await request.body(), free=TARGETS))


async def _start(incoming: BrowserRequest, parameters: dict[str, str]) -> Response:
    services = incoming.services
    asked = parse_sign_in(
        parameters,
        site=incoming.site,
        default_connector=services.settings.logto_default_connector,
    )
    started = await start_sign_in(
        asked,
        site=incoming.site,
        browser_cookies=incoming.browser_cookies,
        services=services,
    )
    # 303: what follows a posted form is a GET.
    response = redirect(started.url, status=303 if incoming.request.method == "POST" else 302)
    response.headers.append(
        "Set-Cookie", incoming.cookies.set_browser(started.cookie, TRANSACTION_SECONDS)
    )
    return response
