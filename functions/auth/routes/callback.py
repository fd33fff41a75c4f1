"""GET /callback: finish a sign-in and set the session cookie."""

from fastapi import APIRouter, Request, Response

from functions.auth.callback import PARAMETERS, finish_sign_in, parse_callback
from functions.auth.new_session import ClientInfo
from functions.auth.request import BrowserRequest
from functions.auth.responses import authorization_redirect, redirect
from functions.auth.sign_in import reauthentication, start_sign_in
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
        return _reauthenticate(browser, failure)
    response = redirect(f"{browser.site.origin}{finished.return_to}")
    if finished.handle is not None:
        response.headers.append("Set-Cookie", browser.cookies.set_session(finished.handle))
    return response


def _reauthenticate(browser: BrowserRequest, failure: RevalidationRequired) -> Response:
    """Send the user to Logto to authenticate again.

    The attempt is started here and not by a URL of this site, from which `prompt` could be taken
    out: its transaction knows that it is the second round, after which there is no third.
    """
    services = browser.services
    request = reauthentication(
        connector=failure.connector,
        return_to=failure.return_to,
        site=browser.site,
        default_connector=services.settings.logto_default_connector,
    )
    started = start_sign_in(
        request,
        site=browser.site,
        browser_cookies=browser.browser_cookies,
        services=services,
    )
    return authorization_redirect(browser, started)
