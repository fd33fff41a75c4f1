"""GET /callback: finish a sign-in and set the session cookie."""

from fastapi import APIRouter, Request, Response

from functions.auth.callback import PARAMETERS, finish_sign_in, parse_callback
from functions.auth.new_session import ClientInfo
from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect
from shared.errors import RevalidationRequired, TransactionUnknown
from shared.sessions import load_session

router = APIRouter()


@router.get("/callback")
async def callback(request: Request) -> Response:
    browser = BrowserRequest.of(request)
    authorization_response = parse_callback(browser.query(PARAMETERS))
    try:
        finished = finish_sign_in(
            authorization_response,
            site=browser.site,
            browser_cookies=browser.browser_cookies,
            previous=browser.session,
            client=ClientInfo(ip=browser.http.source_ip, agent=browser.client_agent),
            services=browser.services,
        )
    except TransactionUnknown:
        # A reload, or the back button after a sign-in: a signed-in user continues.
        if load_session(browser.session, browser.services, touch=False) is None:
            raise
        return redirect(browser.site.home_uri)
    except RevalidationRequired as failure:
        if not browser.wants_page:
            raise
        path = browser.site.revalidation_path(failure.connector, return_to=failure.return_to)
        return redirect(f"{browser.site.origin}{path}")
    response = redirect(f"{browser.site.origin}{finished.return_to}")
    if finished.handle is not None:
        response.headers.append("Set-Cookie", browser.cookies.set_session(finished.handle))
    return response
