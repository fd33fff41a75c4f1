"""GET /callback: the authorization response becomes a session cookie."""

from fastapi import APIRouter, Request, Response

from functions.auth.callback import ClientInfo, finish_sign_in, parse_callback
from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect
from shared.errors import TransactionUnknown
from shared.sessions import load_session

router = APIRouter()


@router.get("/callback")
async def callback(request: Request) -> Response:
    incoming = BrowserRequest(request)
    answered = parse_callback(incoming.query)
    try:
        finished = await finish_sign_in(
            answered,
            site=incoming.site,
            browser_cookies=incoming.browser_cookies,
            previous_secret=incoming.session_secret,
            client=ClientInfo(ip=incoming.client_ip, agent=incoming.client_agent),
            services=incoming.services,
        )
    except TransactionUnknown:
        # A reload or the back button after a sign-in: whoever is signed in goes on.
        if load_session(incoming.session_secret, incoming.services, touch=False) is None:
            raise
        return redirect(incoming.site.home_uri)
    response = redirect(f"{incoming.site.origin}{finished.return_to}")
    response.headers.append("Set-Cookie", incoming.cookies.set_session(finished.secret))
    return response
