"""GET /signed-out: Logto sends the browser here after a sign-out; go on to where it is to end."""

from fastapi import APIRouter, Request, Response

from functions.auth.request import BrowserRequest
from functions.auth.responses import redirect
from functions.auth.return_to import safe_return_to

router = APIRouter()
FREE = frozenset({"state"})


@router.api_route("/signed-out", methods=["GET", "HEAD"])
async def signed_out(request: Request) -> Response:
    """Go on to the page that the sign-out named, else to the start page.

    Logto returns the `state` of the end-session request. Anybody can write it, so it is checked as
    at /sign-out.
    """
    browser = BrowserRequest.of(request)
    state = browser.query(frozenset(), free=FREE).get("state")
    return redirect(f"{browser.site.origin}{safe_return_to(state, root=browser.site.root)}")
